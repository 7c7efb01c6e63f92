// What became of a mutant. It is killed when the one that is named for it ran, and failed because of what it expected. Whatever else
// may stop it, a file that cannot be loaded or a time-out, proves nothing.
import type { SourceMutant } from './mutant.ts';

/** A test of the inner run, as its reporter wrote it down. */
export interface Outcome {
  readonly mutant: string;
  readonly test: string;
  readonly state: string;
  readonly errors: readonly { readonly name: string; readonly message: string }[];
}

export interface Report {
  /** Those that ran. */
  readonly outcomes: readonly Outcome[];
  /** What went wrong outside of tests. */
  readonly failures: readonly { readonly mutant: string; readonly message: string }[];
  /** Full names of all tests that the files of statement mutants declare. */
  readonly declared: readonly { readonly file: string; readonly test: string }[];
}

/** 'killed', or what happened instead. */
export function verdict({ name, killedBy }: SourceMutant, { outcomes, failures }: Report): string {
  const failure = failures.find(({ mutant }) => mutant === name);
  if (failure !== undefined) return `not judged: ${failure.message}`;
  const ran = outcomes.filter(({ mutant }) => mutant === name);
  if (ran.length !== 1) return `not judged: ${ran.length} tests have the name of its killer`;
  const errors = ran.flatMap((outcome) => outcome.errors);
  if (ran[0]?.state !== 'failed') return 'survived';
  const { shows } = killedBy;
  const isShown = errors.some((error) =>
    shows === undefined ? error.name === 'AssertionError' : shows.test(error.message),
  );
  return isShown ? 'killed' : `failed for another reason: ${errors.map(({ message }) => message).join('; ')}`;
}
