// The command lines of the project's own runs (bench, simulate, chaos, load): `--help` prints how one is used, and a mistake is told in
// one line with the next step.
import process from 'node:process';
import { parseArgs, type ParseArgsConfig } from 'node:util';

/** What was asked for makes no sense: the message says why, in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** As `parseArgs` of Node, but throws UsageError. */
export function parsed<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // What follows the first sentence is advice for those who write a program.
    const [mistake = ''] = error.message.split(/\.(?:\s|$)|\n/);
    throw new UsageError(mistake, { cause: error });
  }
}

/** Throws UsageError unless the option `--name` was given a whole number, of `least` at least. */
export function wholeNumber(name: string, given: string, least = 0): number {
  if (/^\d{1,15}$/.test(given) && Number(given) >= least) return Number(given);
  const bound = least > 0 ? ` from ${least}` : '';
  throw new UsageError(`--${name} takes a whole number${bound}, not "${given}"`);
}

/** How a run is asked for. */
export interface CommandLine<T> {
  /** What people type: `npm run chaos`. */
  readonly command: string;
  /** A few lines. */
  readonly usage: () => string;
  /** Throws UsageError. */
  readonly read: (given: string[]) => T;
}

/** What is to be run, or what is told instead. */
export type Asked<T> =
  | { readonly outcome: 'run'; readonly asked: T }
  | { readonly outcome: 'help' | 'mistake'; readonly text: string };

export function readCommandLine<T>({ command, usage, read }: CommandLine<T>, given: string[]): Asked<T> {
  if (given.includes('--help') || given.includes('-h')) return { outcome: 'help', text: usage() };
  try {
    return { outcome: 'run', asked: read(given) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { outcome: 'mistake', text: `${error.message}; see ${command} -- --help` };
  }
}

/** What this process was asked to run. Ends it where that is nothing: with 0 after `--help`, with 2 after a mistake. */
export function askedFor<T>(commandLine: CommandLine<T>): T {
  const asked = readCommandLine(commandLine, process.argv.slice(2));
  if (asked.outcome === 'run') return asked.asked;
  const isHelp = asked.outcome === 'help';
  (isHelp ? process.stdout : process.stderr).write(`${asked.text}\n`);
  return process.exit(isHelp ? 0 : 2);
}
