// The schema on SQLite: one BEGIN IMMEDIATE transaction, so that agents that start together queue up instead of colliding.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SchemaAdmin, SchemaStatus } from '../schema-admin.ts';
import {
  emptySchema,
  readMigrations,
  refuseTooNewStore,
  schemaStatus,
  type SchemaState,
} from '../sql/migrations.ts';
import { readNumber, readText } from '../sql/read.ts';
import { StatementCache } from '../sql/statement.ts';
import { SqliteConnection } from './connection.ts';
import { sqliteDialect } from './dialect.ts';
import { translateError } from './errors.ts';
import { createFile } from './file.ts';
import { patience, whenUnlocked } from './waiting.ts';

const folder = fileURLToPath(new URL('../../../drizzle/sqlite', import.meta.url));

/** A migration may have to wait for another agent's. */
const migrationMs = 60_000;

export const knownMigrations = readMigrations(folder);

export class SqliteSchema implements SchemaAdmin {
  private readonly file: string;
  private readonly attemptMs: number;

  /** `file`: absolute path; `attemptMs`: bound of a read's waiting for locks. */
  constructor(file: string, attemptMs: number) {
    this.file = file;
    this.attemptMs = attemptMs;
  }

  async schemaStatus(): Promise<SchemaStatus> {
    return schemaStatus(await this.state(), knownMigrations);
  }

  async state(): Promise<SchemaState> {
    // Looking at a store must not make one.
    if (!existsSync(this.file)) return emptySchema;
    return this.withConnection((connection) =>
      whenUnlocked(patience(this.file, this.attemptMs), () => readState(connection)),
    );
  }

  async migrate(): Promise<readonly string[]> {
    createFile(this.file);
    return this.withConnection(async (connection) => {
      const state = await whenUnlocked(patience(this.file, this.attemptMs), () => readState(connection));
      // Nothing to do, no lock to take: an agent that starts does not wait for the others' writes.
      if (schemaStatus(state, knownMigrations).pending.length === 0) {
        refuseTooNewStore(state, knownMigrations);
        return [];
      }
      await whenUnlocked(patience(this.file, migrationMs), () => connection.exec('begin immediate'));
      try {
        const applied = applyPending(connection);
        connection.exec('commit');
        return applied;
      } catch (error) {
        connection.rollback();
        throw error;
      }
    });
  }

  private async withConnection<T>(work: (connection: SqliteConnection) => Promise<T>): Promise<T> {
    const connection = new SqliteConnection(this.file, new StatementCache(sqliteDialect()));
    try {
      return await work(connection);
    } catch (error) {
      throw translateError(error, this.file);
    } finally {
      connection[Symbol.dispose]();
    }
  }
}

function applyPending(connection: SqliteConnection): readonly string[] {
  const state = readState(connection);
  refuseTooNewStore(state, knownMigrations);
  const { pending } = schemaStatus(state, knownMigrations);
  connection.exec(
    `create table if not exists schema_migrations (
       name text primary key,
       applied_at integer not null default (cast(round(unixepoch('subsec') * 1000) as integer))
     ) strict`,
  );
  for (const { name, statements } of knownMigrations) {
    if (!pending.includes(name)) continue;
    for (const statement of statements) connection.exec(statement);
    connection.rows('insert into schema_migrations (name) values (?)', [name]);
  }
  return pending;
}

function readState(connection: SqliteConnection): SchemaState {
  const present = connection.rows("select 1 from sqlite_schema where name = 'schema_migrations'");
  if (present.length === 0) return emptySchema;
  const applied = connection.rows('select name from schema_migrations order by name');
  const [info] = connection.rows('select min_compatible from store_info');
  return {
    applied: applied.map((row) => readText(row, 'name')),
    minCompatible: info ? readNumber(info, 'min_compatible') : 0,
  };
}
