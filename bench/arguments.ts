// What is asked for on the command line: `npm run bench -- lease takeover --rounds 10 --json figures.json`.
import { parsed, UsageError, wholeNumber } from '../test/support/command-line.ts';

export interface Arguments {
  /** Benches by name; none: all that are not long. */
  readonly names: readonly string[];
  /** How often each way of doing something is measured, after a round that is not. */
  readonly rounds: number;
  /** Where the report goes as JSON: a file, or `-` for standard output. */
  readonly json: string | undefined;
}

export const roundsDefault = 5;
const roundsMax = 1_000;

/** Throws UsageError. `known` are the names that may be given. */
export function readArguments(given: readonly string[], known: readonly string[]): Arguments {
  const { values, positionals } = parsed({
    args: withJsonPlace(given),
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: String(roundsDefault) },
      json: { type: 'string' },
    },
  });
  const names = positionals.map(nameOf);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`there is no bench "${unknown}"; there are ${known.join(', ')}`);
  return {
    names: [...new Set(names)],
    rounds: roundsOf(values.rounds),
    json: values.json,
  };
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
  const rounds = wholeNumber('rounds', text, 1);
  if (rounds > roundsMax) throw new UsageError(`--rounds takes at most ${roundsMax}, not "${text}"`);
  return rounds;
}
