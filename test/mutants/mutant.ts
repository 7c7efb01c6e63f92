// A mutant: one safety rule broken by one edit of one source file, and the test that must notice. Nothing in src knows of it: the edit
// is made in a copy, on the way from the disk to the test. Words that are not found exactly once are an error, so that the list cannot rot.

export interface SourceMutant {
  /** What it does wrong, as a verb phrase behind "an agent that" or "a store that". */
  readonly name: string;
  /** The rule it breaks: a section of src/domain/README.md, or of the client's duties. */
  readonly rule: string;
  /** From the project's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly killedBy: Killer;
}

/** Exactly one test, by its file and its full name (the names of its suites before its own); one case of a table by its own name. */
export interface Killer {
  readonly file: string;
  readonly test: string;
  /** What the failure says, where a breach shows as something else than a failed expectation: a refusal of the database, say. */
  readonly shows?: RegExp;
}

/** A mutant of a statement of PostgreSQL's: its words are replaced in the SQL, and it is run with its test (test/store/postgres/rule.ts). */
export interface StatementMutant {
  /** As its `Mutant` is named there. */
  readonly name: string;
  readonly rule: string;
  readonly file: string;
}

/** The source with the mutant's edit. Throws unless its words are there exactly once. */
export function mutated(source: string, { name, file, find, replace }: SourceMutant): string {
  const pieces = source.split(find);
  if (pieces.length !== 2) {
    throw new Error(
      `mutant "${name}": its words are ${pieces.length - 1} times in ${file}, not once: ${find}`,
    );
  }
  return pieces.join(replace);
}

/** Where a file's copy is to be had that is a part of the mutant with this number (mutator.ts). */
export function addressOf(path: string, number: number): string {
  return `${path}?mutant=${number}`;
}
