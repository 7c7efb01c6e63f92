// Each verdict of the doctor on a file on which exactly that is broken; and a healthy one, of which it says nothing bad.
import { chmodSync, closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Libsql from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import type { Finding, Verdict } from '../../../src/store/finding.ts';
import { examineSqlite, type SqliteDoctorOptions } from '../../../src/store/sqlite/doctor/doctor.ts';
import { fileSystemProblem } from '../../../src/store/sqlite/doctor/file-system.ts';
import { fillSqliteStore } from '../../support/filled-store.ts';
import { expectMisconfigured } from '../contract/samples.ts';
import { temporaryFile } from '../contract/sqlite-backend.ts';

async function filled(): Promise<string> {
  const file = temporaryFile();
  await fillSqliteStore(file, { topics: 2, partitionsPerTopic: 5, segmentsPerPartition: 200, offsets: 5 });
  chmodSync(file, 0o600);
  return file;
}

async function examine(
  file: string,
  options: Partial<SqliteDoctorOptions> = {},
): Promise<readonly Finding[]> {
  return examineSqlite({ file, attemptMs: 20_000, freeMin: 1, walMax: 64 * 2 ** 20, ...options });
}

function expectVerdict(
  findings: readonly Finding[],
  check: string,
  verdict: Verdict,
  seen: RegExp = /./,
): void {
  const finding = findings.find((each) => each.check === check);
  expect(finding).toMatchObject({ check, verdict, seen: expect.stringMatching(seen) });
}

/** One connection past all code of ours. */
function at(file: string, ...statements: string[]): void {
  const database = new Libsql(file);
  for (const statement of statements) database.exec(statement);
  database.close();
}

test('a healthy store gives neither warnings nor notes', async () => {
  const findings = await examine(await filled());
  expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
  expect(findings.length).toBeGreaterThan(9);
});

test('a file that is not there is not made', async () => {
  const file = temporaryFile();
  expectVerdict(await examine(file), 'file', 'note', /not there yet/);
  expectVerdict(await examine(file), 'file', 'note', /not there yet/);
});

test('a file that others may read', async () => {
  const file = await filled();
  chmodSync(file, 0o644);
  expectVerdict(await examine(file), 'privacy', 'note', /mode 644/);
});

test('a file and a directory that the user may not write', async () => {
  const file = await filled();
  const isRoot = process.geteuid?.() === 0;
  chmodSync(dirname(file), 0o755);
  chmodSync(file, 0o444);
  chmodSync(dirname(file), 0o555);
  // Rights do not bind root: for a moment we are nobody.
  if (isRoot) process.seteuid?.(65_534);
  try {
    const findings = await examine(file);
    expectVerdict(findings, 'file', 'fail', /EACCES/);
    expectVerdict(findings, 'directory', 'fail', /EACCES/);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(dirname(file), 0o700);
  }
});

test('another journal mode', async () => {
  const file = temporaryFile();
  at(file, 'create table theirs (x)');
  expectVerdict(await examine(file), 'journal mode', 'warning', /delete/);
  // Looking has not changed it.
  expectVerdict(await examine(file), 'journal mode', 'warning', /delete/);
});

test('a log that cannot be emptied', async () => {
  const file = await filled();
  const database = new Libsql(file);
  onTestFinished(() => void database.close());
  database.exec('pragma wal_autocheckpoint = 0');
  database.exec(`update segments set object_key = object_key || 'x'`);
  expectVerdict(await examine(file, { walMax: 10_000 }), 'write-ahead log', 'warning', /MiB/);
});

test('a disk that is nearly full, by its threshold: a full one cannot be had here', async () => {
  const file = await filled();
  expectVerdict(await examine(file, { freeMin: 2 ** 52 }), 'disk space', 'fail', /MiB free/);
});

test('network file systems by their number: one cannot be mounted here', () => {
  expect(fileSystemProblem(0x6969, 'linux')).toContain('NFS');
  expect(fileSystemProblem(0xff534d42 | 0, 'linux')).toContain('CIFS');
  expect(fileSystemProblem(0xef53, 'linux')).toBeUndefined();
  expect(fileSystemProblem(0x6969, 'darwin')).toBeUndefined();
});

test('damaged pages', async () => {
  const file = await filled();
  at(file, 'pragma wal_checkpoint(truncate)');
  const handle = openSync(file, 'r+');
  for (let page = 20; page < 45; page++) writeSync(handle, Buffer.alloc(2_000, 0xa5), 0, 2_000, page * 4_096);
  closeSync(handle);
  expectVerdict(await examine(file), 'integrity', 'fail');
});

test('rows that refer to nothing', async () => {
  const file = await filled();
  at(file, 'pragma foreign_keys = off', 'delete from topics where topic_id = 5');
  expectVerdict(await examine(file), 'references', 'fail', /rows refer/);
});

test('a trigger is gone, a migration pending, a copy not finished', async () => {
  const file = await filled();
  at(file, 'drop trigger leases_epoch_only_grows');
  expectVerdict(await examine(file), 'triggers', 'fail', /leases_epoch_only_grows/);
  at(file, `delete from schema_migrations where name = '0001_steering'`);
  expectVerdict(await examine(file), 'schema', 'warning', /0001_steering/);
  at(file, 'update store_info set min_compatible = 1000000');
  expectVerdict(await examine(file), 'schema', 'fail', /copy/);
});

test('what is no database is said to be none', async () => {
  const directory = join(dirname(temporaryFile()), 'directory');
  mkdirSync(directory);
  expectVerdict(await examine(directory), 'file', 'fail', /EISDIR/);
  const file = temporaryFile();
  writeFileSync(file, 'not a database'.repeat(1_000));
  await expectMisconfigured(examine(file), /not an SQLite database/);
});
