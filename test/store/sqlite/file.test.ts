// The database file: made safely, and explained when it is none.
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { expectMisconfigured, topic } from '../contract/samples.ts';
import { openStore, temporaryFile } from '../contract/sqlite-backend.ts';

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test("the file and its directory are made where they are missing, for their owner's eyes only", async () => {
  const file = join(dirname(temporaryFile()), 'not/yet/there.db');
  const store = await openStore(file);
  await store.createTopic(topic('orders'));
  expect(mode(dirname(file))).toBe('700');
  for (const path of [file, `${file}-wal`, `${file}-shm`]) expect(mode(path)).toBe('600');
});

test('any name is a file, never a URL', async () => {
  const directory = dirname(temporaryFile());
  for (const name of ['file:a?mode=memory', 'a b#c%20.db', ':memory:']) {
    const store = await openStore(join(directory, name));
    await store.createTopic(topic('orders'));
    expect(existsSync(join(directory, name))).toBe(true);
  }
});

test('looking at a store that is not there does not make one', async () => {
  const file = temporaryFile();
  await expectMisconfigured(openStore(file, { migrate: false }), /run: streamhouse db migrate/);
  expect(existsSync(file)).toBe(false);
});

test('what is not a database is left alone, and named', async () => {
  const file = temporaryFile();
  writeFileSync(file, 'my diary\n'.repeat(1_000));
  const { size } = statSync(file);
  await expectMisconfigured(openStore(file), /metadata\.db is not an SQLite database/);
  expect(statSync(file).size).toBe(size);
});

test('a directory in the place of the file is named', async () => {
  const file = temporaryFile();
  mkdirSync(file);
  await expectMisconfigured(openStore(file), /metadata\.db cannot be opened/);
});

test('a file in the place of the directory is named', async () => {
  const file = temporaryFile();
  writeFileSync(file, '');
  await expectMisconfigured(openStore(join(file, 'below.db')), /below\.db cannot be created/);
});

test('a store that is closed says so, and may be closed again', async () => {
  const store = await openStore(temporaryFile());
  await store.createTopic(topic('orders'));
  await store[Symbol.asyncDispose]();
  await expect(store.getTopic('orders')).rejects.toThrow(/closed/);
  await expect(store.createTopic(topic('more'))).rejects.toThrow(/closed/);
  await store[Symbol.asyncDispose]();
});
