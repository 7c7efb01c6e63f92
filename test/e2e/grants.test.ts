// The role that `db grants` makes is enough for an agent, from its start to its stop, and for nothing beyond: on real servers, in a
// database of a plain owner, without a superuser anywhere but in setting the stage.
import pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { grantsSql } from '../../src/store/postgres/grants.ts';
import { eventually } from '../support/eventually.ts';
import { runProgram } from '../support/program.ts';
import { freshSchemaName } from '../support/schema.ts';
import { AgentProcess, type Env } from './cluster.ts';

/** Only these have a superuser to make databases and roles with. */
const servers = inject('postgresTargets').filter(({ name }) => name.startsWith('PostgreSQL'));

/** A database with its plain owner and a role for agents, named so that nothing works without quoting. */
class Stage implements AsyncDisposable {
  readonly schema = 'Store-1';
  readonly role: string;
  readonly owner: string;
  readonly #database: string;
  readonly #server: URL;

  constructor(server: string) {
    const mark = freshSchemaName();
    this.#server = new URL(server);
    this.#database = `db_${mark}`;
    this.owner = `owner ${mark}`;
    this.role = `agents "${mark}"`;
  }

  static async set(server: string): Promise<Stage> {
    const stage = new Stage(server);
    await run(server, [
      `create role ${id(stage.owner)} login nosuperuser`,
      `create role ${id(stage.role)} login nosuperuser`,
      `create database ${id(stage.#database)} owner ${id(stage.owner)}`,
      `revoke connect on database ${id(stage.#database)} from public`,
    ]);
    return stage;
  }

  /** The database, as this role; without one as the superuser. */
  url(role?: string): string {
    const url = new URL(this.#server);
    if (role !== undefined) url.username = encodeURIComponent(role);
    url.pathname = `/${this.#database}`;
    return url.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(this.#server.href, [
      `drop database ${id(this.#database)} with (force)`,
      `drop role ${id(this.role)}`,
      `drop role ${id(this.owner)}`,
    ]);
  }
}

const id = (name: string): string => pg.escapeIdentifier(name);

/** Runs statements one after another; answers the warnings. */
async function run(url: string, statements: readonly string[]): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  const warnings: string[] = [];
  client.on('notice', ({ severity, message }) => {
    if (severity === 'WARNING') warnings.push(message ?? '');
  });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
  return warnings;
}

/** The SQLSTATE with which the server refuses it; undefined when it does not. */
async function refusal(url: string, statement: string): Promise<string | undefined> {
  try {
    await run(url, ['begin', statement, 'rollback']);
    return undefined;
  } catch (error) {
    if (error instanceof pg.DatabaseError) return error.code;
    throw error;
  }
}

/** Everything an agent does: registers, coordinates, leads, stores, deletes, hands over and goes. */
async function liveAs(stage: Stage, more: Env): Promise<void> {
  const env = { DATABASE_URL: stage.url(stage.role), DATABASE_SCHEMA: stage.schema, ...more };
  await using agent = new AgentProcess('broker-1', env);
  await eventually(async () => (await agent.self()).state === 'active');
  expect(await agent.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 4 })).toMatchObject({
    status: 201,
  });
  const held = await eventually(async () => {
    const leases = await agent.held();
    return leases.length === 4 && leases;
  });
  const segment = {
    id: 's1',
    baseOffset: 0,
    endOffset: 9,
    recordCount: 10,
    sizeBytes: 1,
    bucket: 'b',
    key: 'k',
  };
  const path = '/v1/topics/orders/partitions/0/segments';
  const epoch = held.find(({ partition }) => partition === 0)?.epoch;
  expect(await agent.ask('POST', path, { ...segment, epoch })).toMatchObject({ status: 201 });
  expect(await agent.ask('PUT', '/v1/groups/g/offsets/orders/0', { offset: 5 })).toMatchObject({
    status: 200,
  });
  expect(await agent.ask('DELETE', '/v1/groups/g')).toMatchObject({ status: 204 });
  expect(await agent.ask('POST', '/v1/topics/orders/partitions', { partitionCount: 6 })).toMatchObject({
    status: 200,
  });
  expect(await agent.ask('DELETE', '/v1/topics/orders')).toMatchObject({ status: 204 });
  agent.program.kill('SIGTERM');
  expect(await agent.program.exited).toMatchObject({ code: 0 });
  const output = [...agent.program.stdoutLines, ...agent.program.stderrLines];
  expect(output.filter((line) => /permission denied|42501|must be owner/.test(line))).toEqual([]);
}

const migrateAs = async (stage: Stage, role: string): Promise<void> => {
  const env = { DATABASE_URL: stage.url(role), DATABASE_SCHEMA: stage.schema };
  expect(await runProgram(['db', 'migrate'], { env })).toMatchObject({ code: 0 });
};

/** What `db grants` prints, run by the owner. */
async function grant(stage: Stage, ...flags: string[]): Promise<string[]> {
  const args = ['db', 'grants', '--role', stage.role, '--schema', stage.schema, ...flags];
  const { code, stdout } = await runProgram(args);
  expect(code).toBe(0);
  expect(stdout).toBe(grantsSql({ role: stage.role, schema: stage.schema, migrate: flags.length > 0 }));
  return run(stage.url(stage.owner), [stdout]);
}

/** Where everybody may create in `public` (before PostgreSQL 15), only that schema's owner can mend it; the SQL says so. */
async function lockPublic(stage: Stage, name: string, warnings: readonly string[]): Promise<void> {
  if (name !== 'PostgreSQL 14') return expect(warnings).toEqual([]);
  expect(warnings).toContainEqual(expect.stringContaining('REVOKE CREATE ON SCHEMA public FROM PUBLIC'));
  await run(stage.url(), ['revoke create on schema public from public']);
}

describe.each(servers)('on $name', ({ name, url: server }) => {
  test('agents that do not migrate live on their grants, and may do nothing else', async () => {
    await using stage = await Stage.set(server);
    const asRole = stage.url(stage.role);
    const schema = id(stage.schema);
    await migrateAs(stage, stage.owner);
    expect(await refusal(asRole, 'select 1').catch((error: unknown) => String(error))).toBe('42501');
    const warnings = await grant(stage);
    await grant(stage);
    await lockPublic(stage, name, warnings);
    await liveAs(stage, { AUTO_MIGRATE: 'false' });
    // Nothing is pending, so the default does no harm either.
    await liveAs(stage, {});

    const forbidden = [
      `drop table ${schema}.leases`,
      `drop schema ${schema} cascade`,
      `alter table ${schema}.leases disable trigger all`,
      `alter table ${schema}.leases disable trigger leases_epoch_only_grows`,
      `set session_replication_role = replica`,
      `drop trigger leases_epoch_only_grows on ${schema}.leases`,
      `create trigger t before update on ${schema}.leases for each row execute function ${schema}.refuse_lease_change()`,
      `create or replace function ${schema}.refuse_lease_change() returns trigger language plpgsql as 'begin return new; end'`,
      `truncate ${schema}.leases`,
      `delete from ${schema}.epoch_floors`,
      `truncate ${schema}.epoch_floors`,
      `update ${schema}.store_info set min_compatible = 1000`,
      `insert into ${schema}.schema_migrations (name) values ('9999_theirs')`,
      `delete from ${schema}.schema_migrations`,
      `delete from ${schema}.era`,
      `create table ${schema}.theirs (x int)`,
      'create table public.theirs (x int)',
      'create schema theirs',
      `grant ${id(stage.owner)} to ${id(stage.role)}`,
    ];
    for (const statement of forbidden) {
      expect({ statement, code: await refusal(asRole, statement) }).toEqual({ statement, code: '42501' });
    }
    // They purge leases, and then a trigger judges.
    expect(await refusal(asRole, `delete from ${schema}.leases`)).toBe('23514');
    expect(await refusal(stage.url(stage.owner), `drop table ${schema}.leases`)).toBeUndefined();

    // A later migration, by the same owner.
    await run(stage.url(stage.owner), [`create table ${schema}.later (id bigserial primary key, x int)`]);
    await run(asRole, [`insert into ${schema}.later (x) values (1)`, `delete from ${schema}.later`]);
    expect(await refusal(asRole, `drop table ${schema}.later`)).toBe('42501');
  });

  test('agents that migrate by themselves need no more than a schema to create in', async () => {
    await using stage = await Stage.set(server);
    const asRole = stage.url(stage.role);
    const warnings = await grant(stage, '--agents-migrate');
    await lockPublic(stage, name, warnings);
    await liveAs(stage, {});
    for (const statement of [
      'create table public.theirs (x int)',
      'create schema theirs',
      `drop schema ${id(stage.schema)} cascade`,
      `set session_replication_role = replica`,
      `truncate pg_catalog.pg_class`,
    ]) {
      expect({ statement, code: await refusal(asRole, statement) }).toEqual({ statement, code: '42501' });
    }
  });
});
