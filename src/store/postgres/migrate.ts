// The schema on PostgreSQL: one transaction under a transaction-level advisory lock, so that agents that start together
// queue up instead of colliding.
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { SchemaAdmin, SchemaStatus } from '../schema-admin.ts';
import {
  emptySchema,
  readMigrations,
  refuseTooNewStore,
  schemaStatus,
  type SchemaState,
} from '../sql/migrations.ts';
import { type ConnectionOptions, weakCommits } from './client.ts';
import { connectWritable } from './connect.ts';
import { translateError } from './errors.ts';

const folder = fileURLToPath(new URL('../../../drizzle/postgres', import.meta.url));

/** A migration may have to wait for another agent's, and to rewrite tables. */
const migrationMs = 600_000;

export const knownMigrations = readMigrations(folder);

export class PostgresSchema implements SchemaAdmin {
  private readonly options: ConnectionOptions;
  private readonly schema: string;

  constructor(options: ConnectionOptions, schema: string) {
    this.options = options;
    this.schema = schema;
  }

  async schemaStatus(): Promise<SchemaStatus> {
    return schemaStatus(await this.state(), knownMigrations);
  }

  async state(): Promise<SchemaState> {
    return this.withClient(this.options.attemptMs, (client) => readState(client, this.schema));
  }

  /** Whether the server's own `synchronous_commit` is weaker than `on`. */
  async commitsWeakly(): Promise<boolean> {
    return this.withClient(this.options.attemptMs, async (client) => {
      const { rows } = await client.query<{ setting: string }>(
        `select current_setting('synchronous_commit') as setting`,
      );
      return weakCommits.includes(rows[0]?.setting ?? '');
    });
  }

  /** Whether the server keeps from this user where its data come from, as some services do: then eras are opened by hand only. */
  async hidesHistory(): Promise<boolean> {
    return this.withClient(this.options.attemptMs, async (client) => {
      try {
        await client.query('select pg_walfile_name(pg_current_wal_insert_lsn()) from pg_control_system()');
        return false;
      } catch (error) {
        if (isHidden(error)) return true;
        throw error;
      }
    });
  }

  async migrate(): Promise<readonly string[]> {
    const before = await this.state();
    refuseTooNewStore(before, knownMigrations);
    // Nothing to do, no lock to take: agents that start together do not queue up for it.
    if (schemaStatus(before, knownMigrations).pending.length === 0) return [];
    return this.withClient(migrationMs, async (client) => {
      await client.query(`set statement_timeout = ${migrationMs}; set lock_timeout = ${migrationMs}`);
      await client.query('begin');
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `streamhouse ${this.schema}`,
      ]);
      const quoted = pg.escapeIdentifier(this.schema);
      const { rows } = await client.query<{ present: boolean }>(
        'select exists (select from pg_namespace where nspname = $1) as present',
        [this.schema],
      );
      if (!rows[0]?.present) await client.query(`create schema ${quoted}`);
      await client.query(`set local search_path to ${quoted}`);
      const state = await readState(client, this.schema);
      refuseTooNewStore(state, knownMigrations);
      const { pending } = schemaStatus(state, knownMigrations);
      await client.query(
        `create table if not exists schema_migrations
           (name text primary key, applied_at timestamptz not null default clock_timestamp())`,
      );
      for (const { name, statements } of knownMigrations.filter((migration) =>
        pending.includes(migration.name),
      )) {
        for (const statement of statements) await client.query(statement);
        await client.query('insert into schema_migrations (name) values ($1)', [name]);
      }
      await client.query('commit');
      return pending;
    });
  }

  /** Cut after `boundMs`, whatever it waits for: a start must not hang on a server that vanished behind its connection. */
  private async withClient<T>(boundMs: number, work: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      const { client } = await connectWritable(this.options);
      const timer = setTimeout(() => client.cut(), boundMs);
      try {
        return await work(client);
      } finally {
        clearTimeout(timer);
        client.cut();
      }
    } catch (error) {
      throw translateError(error);
    }
  }
}

/** Not allowed, not there, not supported. */
const hiding = new Set(['42501', '42883', '0A000']);

export function isHidden(error: unknown): boolean {
  return error instanceof pg.DatabaseError && hiding.has(error.code ?? '');
}

async function readState(client: pg.Client, schema: string): Promise<SchemaState> {
  const table = `${pg.escapeIdentifier(schema)}.schema_migrations`;
  const { rows } = await client.query<{ present: boolean }>('select to_regclass($1) is not null as present', [
    table,
  ]);
  if (!rows[0]?.present) return emptySchema;
  const applied = await client.query<{ name: string }>(`select name from ${table} order by name`);
  const info = await client.query<{ min_compatible: number }>(
    `select min_compatible from ${pg.escapeIdentifier(schema)}.store_info`,
  );
  return { applied: applied.rows.map((row) => row.name), minCompatible: info.rows[0]?.min_compatible ?? 0 };
}
