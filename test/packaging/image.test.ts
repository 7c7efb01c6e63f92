// The image's steps in their quick form: packages and compiled program are this project's own instead of npm's and tsc's.
// In full, from the registry: npm run check:packaging.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { buildImage } from '../support/image-build.ts';
import { linkTree } from '../support/link-tree.ts';
import { productionPackages } from '../support/production-packages.ts';
import { expectLife, expectNothingTooMuch } from './image-life.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

test('the image starts on its own store, is healthy, serves a broker and stops in order; no install script ran', async () => {
  using image = await buildImage(project, inPlaceOf);
  expectNothingTooMuch(image);
  await expectLife(image);
});

/** What `npm ci` and the build would have made, as far as another stage takes it. */
function inPlaceOf(command: string, directory: string): boolean {
  if (command.startsWith('npm ci ')) {
    if (command.includes('--omit=dev')) linkPackages(directory);
    return true;
  }
  if (command !== 'npm run build') return false;
  linkTree(join(project, 'dist'), join(directory, 'dist'));
  return true;
}

/** Less what no program reads: declarations and source maps are half of the files. */
function linkPackages(directory: string): void {
  for (const path of productionPackages(project)) {
    const isWanted = (name: string): boolean => name !== 'node_modules' && !/\.d\.[cm]?ts$|\.map$/.test(name);
    linkTree(join(project, path), join(directory, path), { isWanted });
  }
}
