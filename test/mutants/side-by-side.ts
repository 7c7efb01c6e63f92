// The tests of the mutants' run: for each mutant the file of its killer, declared once more over the mutant's modules. Which test of it
// runs is the pattern's to say (vitest.mutants.config.ts).
import { resolve } from 'node:path';
import { describe, test } from 'vitest';
import { addressOf } from './mutant.ts';
import { lighterFile, mutantsOfRun } from './selection.ts';

for (const [number, { name, killedBy }] of mutantsOfRun.entries()) {
  describe(name, async () => {
    try {
      await import(/* @vite-ignore */ addressOf(resolve(lighterFile(killedBy.file)), number));
    } catch (error) {
      // One that cannot be loaded is judged by that, and takes no other with it.
      test(killedBy.test, () => {
        throw error;
      });
    }
  });
}
