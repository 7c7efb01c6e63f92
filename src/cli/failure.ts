// How a command ends when it does not end well: commands throw, `runCli` alone turns it into words and an exit code.
import { exitCode, type ExitCode } from './exit-code.ts';

/** The command did not do what was asked. `message` is one line for a person, without `error: `. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Errors of the layers that commands are given as functions, known by name: commands do not import their classes. */
const exitCodeByName: Readonly<Record<string, ExitCode>> = {
  ConfigError: exitCode.configuration,
  CopyRefused: exitCode.conflict,
  NewEraRefused: exitCode.conflict,
  StoreMisconfigured: exitCode.configuration,
  StoreUnavailable: exitCode.unreachable,
};

/** The error as a failure that a command may end with, or undefined when nobody foresaw it. */
export function foreseen(error: unknown): CliFailure | undefined {
  if (error instanceof CliFailure) return error;
  if (!(error instanceof Error)) return undefined;
  const code = exitCodeByName[error.name];
  return code === undefined ? undefined : new CliFailure(code, error.message, { cause: error });
}

/** Everything has been said already; only the exit code is left. Any number: an agent chooses its own. */
export class ExitSilently extends Error {
  override readonly name = 'ExitSilently';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}
