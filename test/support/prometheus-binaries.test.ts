// Machines that lack what the search needs: it says so in a sentence, and leaves nothing half made behind.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findPrometheus } from './prometheus-binaries.ts';

let directory: string;
let cache: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'streamhouse-support-'));
  cache = join(directory, 'cache');
  path = join(directory, 'bin');
  mkdirSync(path);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function program(folder: string, name: string, script: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

const search = () => findPrometheus({ cache, env: { PATH: path } });

test('a machine without apt-get has none', async () => {
  expect(await search()).toEqual({
    outcome: 'not_there',
    reason: "Debian's package cannot be had: spawn apt-get ENOENT",
  });
  expect(readdirSync(cache)).toEqual([]);
});

test('a machine whose package lists name none has none', async () => {
  program(path, 'apt-get', 'echo "E: Unable to locate package prometheus" >&2; exit 100');
  expect(await search()).toEqual({
    outcome: 'not_there',
    reason: "Debian's package cannot be had: Unable to locate package prometheus",
  });
  expect(readdirSync(cache)).toEqual([]);
});

test('what an earlier run unpacked is used again', async () => {
  const home = join(cache, `prometheus-${process.arch}`);
  for (const name of ['prometheus', 'promtool']) program(home, name, 'exit 0');
  expect(await search()).toEqual({
    outcome: 'found',
    binaries: { prometheus: join(home, 'prometheus'), promtool: join(home, 'promtool') },
  });
});

test('what does not run, such as half a copy, is not used', async () => {
  const home = join(cache, `prometheus-${process.arch}`);
  program(home, 'promtool', 'exit 0');
  expect(await search()).toMatchObject({ outcome: 'not_there' });
});

test('the programs of the machine come first', async () => {
  for (const name of ['prometheus', 'promtool']) program(path, name, 'exit 0');
  expect(await search()).toMatchObject({ binaries: { prometheus: 'prometheus', promtool: 'promtool' } });
});
