// A server that does not take writes is not taken, and one that stops to take them is left. Made of one ordinary server;
// failover.test.ts has a primary and its standby.
import { sql } from 'drizzle-orm';
import { Client } from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { connectWritable } from '../../../src/store/postgres/connect.ts';
import { PostgresDatabase } from '../../../src/store/postgres/database.ts';
import { postgresDialect } from '../../../src/store/postgres/dialect.ts';
import { nothing, statement } from '../../../src/store/sql/statement.ts';
import { dropSchema, freshSchemaName } from '../../support/schema.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

const connecting = { connectionString: url, applicationName: 'streamhouse test', attemptMs: 20_000 };

/** A schema of the test's own, made by `ddl`. */
async function schemaWith(ddl: (schema: string) => string): Promise<string> {
  const schema = freshSchemaName();
  onTestFinished(() => dropSchema(url, schema));
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`create schema ${schema}; ${ddl(schema)}`);
  await client.end();
  return schema;
}

/** What comes of connecting with these settings of the session. */
async function connected(settings: string): Promise<string> {
  const connectionString = new URL(url);
  connectionString.searchParams.set('options', settings);
  return connectWritable({ ...connecting, connectionString: connectionString.href }).then(
    ({ client }) => {
      client.cut();
      return 'connected';
    },
    (error: unknown) => String(error),
  );
}

test('a server that says that it is a standby is not taken', async () => {
  const schema = await schemaWith(
    (name) => `create function ${name}.pg_is_in_recovery() returns boolean language sql as 'select true'`,
  );
  expect(await connected(`-c search_path=${schema},pg_catalog`)).toContain('is a standby (read-only)');
  expect(await connected('-c search_path=pg_catalog')).toBe('connected');
});

test('a server whose transactions are read-only is not taken', async () => {
  expect(await connected('-c default_transaction_read_only=on')).toContain('default_transaction_read_only');
});

test('a server that takes no writes any more is left, and asked anew', async () => {
  const schema = await schemaWith((name) => `create table ${name}.written (number integer)`);
  const db = new PostgresDatabase(postgresDialect(schema), { ...connecting, poolMax: 1 });
  onTestFinished(() => db[Symbol.asyncDispose]());
  const written = sql`${sql.raw(schema)}.written`;
  const write = statement('write', () => sql`insert into ${written} values (1)`, nothing);
  const become = statement('become_read_only', () => sql`set default_transaction_read_only = on`, nothing);
  const outcome = () =>
    db.all(write, {}).then(
      () => 'written',
      (error: unknown) => String(error),
    );
  await db.all(become, {});
  expect(await outcome()).toContain('takes no writes: cannot execute INSERT');
  // The connection that could not write is gone.
  expect(await outcome()).toBe('written');
});
