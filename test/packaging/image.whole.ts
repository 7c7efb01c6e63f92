// The Dockerfile's steps in full: packages from the registry, compiled from the sources. `npm run check:packaging`.
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import { buildImage } from '../support/image-build.ts';
import { expectLife, expectNothingTooMuch } from './image-life.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

test('the image is built, starts on its own store, is healthy, serves a broker and stops in order', async () => {
  using image = await buildImage(project);
  expectNothingTooMuch(image);
  await expectLife(image);
  process.stdout.write(`The image adds ${(image.sizeBytes() / 1e6).toFixed(1)} MB to its base.\n`);
});
