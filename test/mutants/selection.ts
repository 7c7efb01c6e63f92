// Which mutants are run, in the order of their numbers, and from which file their killers come.
import { control, sourceMutants } from './list.ts';
import type { SourceMutant } from './mutant.ts';

export const mutantsOfRun: readonly SourceMutant[] = [control, ...sourceMutants];

/** Files that declare the same tests and load less: what a mutant costs is loading. */
const lighter: Readonly<Record<string, string>> = {
  'test/store/contract.test.ts': 'test/mutants/sqlite-contract.ts',
};

export function lighterFile(path: string): string {
  return lighter[path] ?? path;
}
