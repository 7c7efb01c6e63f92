// The support layer's own promises: if a server survived its test or lost what it confirmed, every other
// PostgreSQL test would be worthless.

import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { eventually } from './eventually.ts';
import { createPostgresHome, removePostgresHome } from './postgres-home.ts';
import { hasPostgres, type PostgresMajor } from './postgres-binaries.ts';
import { startPostgresServer } from './postgres-server.ts';
import { childrenOf, isRunning } from './processes.ts';
import { dropSchema, freshSchemaName } from './schema.ts';

const fast = { fsync: 'off' } as const;

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

const majors: readonly PostgresMajor[] = [16, 14];

describe.each(majors.filter(hasPostgres))('PostgreSQL %i', (major) => {
  test('a server answers, with the settings it was given', async () => {
    await using server = await startPostgresServer({ major, settings: { ...fast, max_connections: 33 } });
    const [version] = await query(server.url, 'show server_version');
    expect(version).toMatch(new RegExp(`^${major}\\.`));
    expect(await query(server.url, 'show max_connections')).toEqual(['33']);
    expect(await query(server.url, 'show timezone')).toEqual(['UTC']);
    expect(await query(server.url, 'show data_directory')).toEqual([server.dataDir]);
  });
});

test('a server keeps what it confirmed through kill -9 and start on the same port', async () => {
  await using server = await startPostgresServer({ major: 16 });
  expect(await query(server.url, 'show fsync')).toEqual(['on']);
  await query(server.url, 'create table kept as select 42 as answer');
  for (let crash = 0; crash < 3; crash += 1) {
    await server.kill9();
    await expect(query(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    await server.start();
    expect(await query(server.url, 'select answer from kept')).toEqual([42]);
  }
});

test('nothing outlives stop(), and nothing is left on disk after dispose', async () => {
  const server = await startPostgresServer({ major: 16, settings: fast });
  const pid = await eventually(() => server.pid);
  const processes = [pid, ...childrenOf(pid)];
  await server.stop();
  await server.stop();
  expect(processes.filter(isRunning)).toEqual([]);
  await server[Symbol.asyncDispose]();
  expect(existsSync(server.dataDir)).toBe(false);
});

test('kill9() ends backends that are busy', async () => {
  await using server = await startPostgresServer({ major: 16, settings: fast });
  const busy = query(server.url, 'select count(*) from generate_series(1, 100000000000) a').catch(
    () => 'cut',
  );
  await eventually(
    async () =>
      (
        await query(
          server.url,
          `select 1 from pg_stat_activity where query like '%generate_series(1, 1%' and pid <> pg_backend_pid()`,
        )
      ).length,
  );
  const backends = childrenOf(await eventually(() => server.pid));
  await server.kill9();
  expect(backends.filter(isRunning)).toEqual([]);
  expect(await busy).toBe('cut');
});

test('restart() keeps port and data', async () => {
  await using server = await startPostgresServer({ major: 16, settings: fast });
  await query(server.url, 'create table kept as select 7 as answer');
  await server.restart();
  expect(await query(server.url, 'select answer from kept')).toEqual([7]);
});

test('a copy of a stopped data directory starts as a second server', async () => {
  await using first = await startPostgresServer({ major: 16, settings: fast });
  await query(first.url, 'create table kept as select 7 as answer');
  await first.stop();
  const home = createPostgresHome();
  try {
    const dataDir = join(home, 'copied');
    cpSync(first.dataDir, dataDir, { recursive: true });
    await first.start();
    await using second = await startPostgresServer({ major: 16, settings: fast, dataDir });
    expect(await query(second.url, 'select answer from kept')).toEqual([7]);
    expect(second.port).not.toBe(first.port);
  } finally {
    removePostgresHome(home);
  }
});

test('a role with a password is refused without it', async () => {
  await using server = await startPostgresServer({
    major: 16,
    settings: fast,
    passwordRoles: { guarded: "it's a secret" },
  });
  const login = (password: string) => {
    const url = new URL(server.url);
    url.username = 'guarded';
    url.password = password;
    return query(url.href, 'select current_user');
  };
  await expect(login('wrong')).rejects.toThrow('password authentication failed');
  expect(await login("it's a secret")).toEqual(['guarded']);
});

test('the servers of the run are there, one schema per test', async () => {
  for (const { url } of inject('postgresTargets')) {
    const schema = freshSchemaName();
    const count = `select count(*)::int from pg_namespace where nspname = '${schema}'`;
    await query(url, `create schema ${schema}`);
    await query(url, `create table ${schema}.t (i int)`);
    expect(await query(url, count)).toEqual([1]);
    await dropSchema(url, schema);
    expect(await query(url, count)).toEqual([0]);
  }
});
