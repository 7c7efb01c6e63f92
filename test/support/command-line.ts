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

/**
 * What the command line asks for. Ends the process where nothing is to be run: with 0 after `--help`, with 2 after a UsageError of
 * `read`. `command` is what people type (`npm run chaos`), `usage` a few lines.
 */
export function askedFor<T>(command: string, usage: () => string, read: (given: string[]) => T): T {
  const given = process.argv.slice(2);
  if (given.includes('--help') || given.includes('-h')) {
    process.stdout.write(`${usage()}\n`);
    return process.exit(0);
  }
  try {
    return read(given);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}; see ${command} -- --help\n`);
    return process.exit(2);
  }
}
