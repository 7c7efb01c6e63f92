// The packed npm package installed by npm in an empty directory, and for all users of a machine. `npm run check:packaging`.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'vitest';
import { Consumer, expectLibraries, expectProgram, pack } from './consumer.ts';

const quietly = ['--ignore-scripts', '--no-audit', '--no-fund'];

test('npm install of the package, without install scripts, gives the program and the libraries', async () => {
  using consumer = new Consumer();
  const { tarball } = await pack(consumer.directory);
  await promisify(execFile)('npm', ['install', tarball, ...quietly], { cwd: consumer.directory });
  await expectProgram(consumer, join(consumer.directory, 'node_modules/.bin/streamhouse'));
  await expectLibraries(consumer);
});

test('npm install --global gives the program', async () => {
  using consumer = new Consumer();
  const { tarball } = await pack(consumer.directory);
  const prefix = join(consumer.directory, 'prefix');
  await promisify(execFile)('npm', ['install', '--global', '--prefix', prefix, tarball, ...quietly]);
  await expectProgram(consumer, join(prefix, 'bin/streamhouse'));
});
