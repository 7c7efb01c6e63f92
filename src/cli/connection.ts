// Which agent a command talks to, and how: flag over environment over default.
import { InvalidArgumentError, type Command } from 'commander';
import { z } from 'zod';
import { commandPath } from './command.ts';
import type { CliDeps } from './deps.ts';
import { checkVariable, readSecret, readVariable } from './environment.ts';
import { type OutputFormat, outputFormats } from './output-format.ts';
import { parseServiceUrl, serviceUrlDefault } from './service-url.ts';

export interface Connection {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | undefined;
  /** A file of the certificate authorities to trust instead of Node's own, for https. */
  readonly caFile?: string | undefined;
  /** For one request and its whole answer. */
  readonly timeoutMs: number;
}

const timeoutMsDefault = 10_000;

const sharedForm = z.object({
  url: z.string().optional(),
  timeout: z.number().optional(),
  output: z.enum(outputFormats).optional(),
});
type Shared = z.infer<typeof sharedForm>;
const sharedNames = ['url', 'timeout', 'output'] as const satisfies readonly (keyof Shared)[];

/** Throws CliFailure(78) when a variable of the environment is wrong. */
export function connectionOf(command: Command, env: CliDeps['env']): Connection {
  const { url, timeout = timeoutMsDefault } = sharedOptions(command);
  const target = url ?? checkVariable(readVariable(env, 'STREAMHOUSE_URL'), parseServiceUrl);
  return {
    url: target ?? serviceUrlDefault,
    caFile: readVariable(env, 'STREAMHOUSE_CA_FILE')?.value,
    token: checkVariable(readSecret(env, 'STREAMHOUSE_TOKEN'), parseToken),
    timeoutMs: timeout,
  };
}

export function formatOf(command: Command): OutputFormat {
  return sharedOptions(command).output ?? 'table';
}

/** `--timeout` where it bounds more than one answer, milliseconds; undefined when nobody said one. */
export function timeoutOf(command: Command): number | undefined {
  return sharedOptions(command).timeout;
}

/** Refuses `streamhouse -o json topics delete …`: an option that would have no effect is a mistake wherever it stands. */
export function refuseUnusedOptions(command: Command): void {
  const known = new Set(command.options.map((option) => option.attributeName()));
  for (const name of sharedNames) {
    if (sharedOptions(command)[name] === undefined || known.has(name)) continue;
    command.error(`error: '${commandPath(command)}' takes no --${name}`);
  }
}

/** The shared options as given nearest to the command: behind it, behind its group, or first of all. */
function sharedOptions(command: Command): Shared {
  const given: Record<string, unknown> = {};
  for (let at: Command | null = command; at !== null; at = at.parent) {
    for (const name of sharedNames) given[name] ??= at.getOptionValue(name);
  }
  return sharedForm.parse(given);
}

/** What HTTP allows in the header; fetch would refuse the rest with a message that quotes the secret. */
function parseToken(text: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new InvalidArgumentError('A token is printable ASCII without blanks.');
}
