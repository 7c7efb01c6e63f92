// Mutants side by side in one run: a module's address says of which mutant it is a part. The file that a mutant edits and all that import
// it are there once more for each, and everything else is there once for all.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vitest/config';
import { Importers } from './importers.ts';
import { addressOf, mutated, type SourceMutant } from './mutant.ts';

const mark = /\?mutant=(?<number>\d+)$/;

export function mutator(root: string, mutants: readonly SourceMutant[]): Plugin {
  const importers = new Importers([join(root, 'src'), join(root, 'test')]);
  return {
    name: 'mutants',
    enforce: 'pre',
    async resolveId(source, importer) {
      const number = mark.exec(importer ?? '')?.groups?.['number'];
      const mutant = mutants[Number(number)];
      if (number === undefined || mutant === undefined) return undefined;
      const resolved = await this.resolve(source, importer?.replace(mark, ''), { skipSelf: true });
      const isPart = resolved !== null && importers.of(join(root, mutant.file)).has(resolved.id);
      return isPart ? addressOf(resolved.id, Number(number)) : resolved;
    },
    load(id) {
      const number = mark.exec(id)?.groups?.['number'];
      const mutant = mutants[Number(number)];
      if (number === undefined || mutant === undefined) return undefined;
      const path = id.replace(mark, '');
      const source = readFileSync(path, 'utf8');
      return path === join(root, mutant.file) ? mutated(source, mutant) : source;
    },
  };
}
