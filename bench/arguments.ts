// What is asked for on the command line: `npm run bench -- lease takeover --rounds 10 --json figures.json`.
import { parseArgs } from 'node:util';

export interface Arguments {
  /** Benches by name; none: all that are not long. */
  readonly names: readonly string[];
  /** How often each way of doing something is measured, after a round that is not. */
  readonly rounds: number;
  /** Where the report goes as JSON: a file, or `-` for standard output. */
  readonly json: string | undefined;
  readonly help: boolean;
}

/** What was asked for makes no sense: the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const roundsDefault = 5;
const roundsMax = 1_000;

/** Throws UsageError. `known` are the names of all benches. */
export function readArguments(given: readonly string[], known: readonly string[]): Arguments {
  const { values, positionals } = parsed(withJsonPlace(given));
  const names = positionals.map(nameOf);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`there is no bench "${unknown}"; there are ${known.join(', ')}`);
  return {
    names: [...new Set(names)],
    rounds: roundsOf(values.rounds),
    json: values.json,
    help: values.help,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: String(roundsDefault) },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** `--json` alone, at the end or before another option, means standard output. */
function withJsonPlace(given: readonly string[]): string[] {
  return given.map((each, i) => {
    const next = given[i + 1];
    return each === '--json' && (next === undefined || next.startsWith('--')) ? '--json=-' : each;
  });
}

/** A bench may be named by its file: `bench/takeover.bench.ts`. */
function nameOf(given: string): string {
  return given.replace(/^(?:\.\/)?bench\//, '').replace(/(?:\.bench)?\.ts$/, '');
}

function roundsOf(text: string): number {
  const rounds = Number(text);
  if (/^\d{1,4}$/.test(text) && rounds >= 1 && rounds <= roundsMax) return rounds;
  throw new UsageError(`--rounds takes a whole number from 1 to ${roundsMax}, not "${text}"`);
}
