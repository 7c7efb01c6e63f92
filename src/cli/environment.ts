// Reading a setting from the environment the client is given: the prefix STREAMHOUSE_, secrets also from files.
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { CliDeps } from './deps.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';

type Env = CliDeps['env'];

export interface Setting {
  readonly value: string;
  /** The variable it came from, for messages. */
  readonly source: string;
}

/** The first of the variables that is set; one that is empty counts as not set, as in a compose file's `X=${X}`. */
export function readVariable(env: Env, ...names: readonly string[]): Setting | undefined {
  for (const source of names) {
    const value = env[source];
    if (value !== undefined && value !== '') return { value, source };
  }
  return undefined;
}

/** The same for secrets, each also as `X_FILE`, which names a file that holds it. The variable itself wins. */
export function readSecret(env: Env, ...names: readonly string[]): Setting | undefined {
  const setting = readVariable(env, ...names.flatMap((name) => [name, `${name}_FILE`]));
  if (setting === undefined || names.includes(setting.source)) return setting;
  try {
    return { value: readFileSync(setting.value, 'utf8').trimEnd(), source: setting.source };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliFailure(exitCode.configuration, `${setting.source} cannot be read: ${reason}`);
  }
}

/** A variable's value through the parser of its flag; what is wrong with it is a fault of the configuration. */
export function checkVariable<T>(setting: Setting | undefined, parse: (text: string) => T): T | undefined {
  if (setting === undefined) return undefined;
  try {
    return parse(setting.value);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    // The value is not repeated: it may be a secret, or the file's content.
    throw new CliFailure(exitCode.configuration, `${setting.source} is invalid. ${error.message}`);
  }
}
