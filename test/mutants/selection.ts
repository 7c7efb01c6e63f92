// Which mutants are run: all by `npm run mutants`; in `npm test`, where minutes count, those whose tests load little. The edits of all of
// them are made there, so that the list follows the code.
import process from 'node:process';
import { sourceMutants } from './list.ts';
import type { SourceMutant } from './mutant.ts';

const light = ['test/domain/', 'test/client/'];

export const isWhole = process.env['MUTANTS'] === 'all';

export const mutantsToRun: readonly SourceMutant[] = sourceMutants.filter(
  ({ killedBy }) => isWhole || light.some((folder) => killedBy.file.startsWith(folder)),
);
