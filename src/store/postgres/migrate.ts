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
import { readNumber, readText } from '../sql/read.ts';
import type { ConnectionOptions } from './client.ts';
import { type Ask, onConnection } from './connect.ts';

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
    return onConnection(this.options, (ask) => readState(ask, this.schema));
  }

  async migrate(): Promise<readonly string[]> {
    const before = await this.state();
    refuseTooNewStore(before, knownMigrations);
    // Nothing to do, no lock to take: agents that start together do not queue up for it.
    if (schemaStatus(before, knownMigrations).pending.length === 0) return [];
    const apply = async (ask: Ask): Promise<readonly string[]> => {
      await ask(`set statement_timeout = ${migrationMs}; set lock_timeout = ${migrationMs}`);
      await ask('begin');
      await ask('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`streamhouse ${this.schema}`]);
      const quoted = pg.escapeIdentifier(this.schema);
      const present = await ask('select from pg_namespace where nspname = $1', [this.schema]);
      if (present.length === 0) await ask(`create schema ${quoted}`);
      await ask(`set local search_path to ${quoted}`);
      const state = await readState(ask, this.schema);
      refuseTooNewStore(state, knownMigrations);
      const { pending } = schemaStatus(state, knownMigrations);
      await ask(
        `create table if not exists schema_migrations
           (name text primary key, applied_at timestamptz not null default clock_timestamp())`,
      );
      for (const { name, statements } of knownMigrations.filter((migration) =>
        pending.includes(migration.name),
      )) {
        for (const statement of statements) await ask(statement);
        await ask('insert into schema_migrations (name) values ($1)', [name]);
      }
      await ask('commit');
      return pending;
    };
    return onConnection(this.options, apply, migrationMs);
  }
}

/** Not allowed, not there, not supported. */
const hiding = new Set(['42501', '42883', '0A000']);

export function isHidden(error: unknown): boolean {
  return error instanceof pg.DatabaseError && hiding.has(error.code ?? '');
}

export async function readState(ask: Ask, schema: string): Promise<SchemaState> {
  const table = `${pg.escapeIdentifier(schema)}.schema_migrations`;
  const [there] = await ask('select to_regclass($1) is not null as present', [table]);
  if (there?.['present'] !== true) return emptySchema;
  const applied = await ask(`select name from ${table} order by name`);
  const [info] = await ask(`select min_compatible from ${pg.escapeIdentifier(schema)}.store_info`);
  return {
    applied: applied.map((row) => readText(row, 'name')),
    minCompatible: info === undefined ? 0 : readNumber(info, 'min_compatible'),
  };
}
