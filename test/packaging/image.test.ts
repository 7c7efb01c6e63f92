// The image's steps in their quick form: packages and compiled program are this project's own instead of npm's and tsc's.
// In full, from the registry: npm run check:packaging.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { buildImage } from '../support/image-build.ts';
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
    if (command.includes('--omit=dev')) copyPackages(directory);
    return true;
  }
  if (command !== 'npm run build') return false;
  cpSync(join(project, 'dist'), join(directory, 'dist'), { recursive: true });
  return true;
}

/** Less what no program reads: declarations and source maps are half of the files. */
function copyPackages(directory: string): void {
  for (const path of productionPackages(project)) {
    const source = join(project, path);
    const isWanted = (file: string): boolean =>
      file === source || !/(?:\/node_modules|\.d\.[cm]?ts|\.map)$/.test(file);
    cpSync(source, join(directory, path), { recursive: true, filter: isWanted });
  }
}
