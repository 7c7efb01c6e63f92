// Which mutants are run, in the order of their numbers, and from which file their killers come.
import process from 'node:process';
import { control, sourceMutants } from './list.ts';
import { killedBySeeds } from './list/seeds.ts';
import type { SourceMutant } from './mutant.ts';

/** All against their tests; or, by `npm run mutants:seeds`, some against the simulation. */
export const mutantsToRun: readonly SourceMutant[] =
  process.env['MUTANTS'] === 'seeds' ? killedBySeeds(sourceMutants) : sourceMutants;

export const mutantsOfRun: readonly SourceMutant[] = [control, ...mutantsToRun];

/** Files that declare the same tests and load less: what a mutant costs is loading. */
const lighter: Readonly<Record<string, string>> = {
  'test/store/contract.test.ts': 'test/mutants/sqlite-contract.ts',
};

export function lighterFile(path: string): string {
  return lighter[path] ?? path;
}
