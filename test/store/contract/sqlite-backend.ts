// SQLite for the contract: a file of its own for every test.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { onTestFinished } from 'vitest';
import { SqliteSchema } from '../../../src/store/sqlite/migrate.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite/open.ts';
import { attemptMs, type Backend, type SqlRow, tables } from './backend.ts';

const changes = ['insert', 'update', 'delete'] as const;

/** A path in a directory that is removed when the test ends. */
export function temporaryFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-sqlite-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'metadata.db');
}

export async function openStore(
  file: string,
  options: { readonly group?: string; readonly migrate?: boolean; readonly attemptMs?: number } = {},
): Promise<SqliteStore> {
  const store = await openSqliteStore({ file, group: 'g', attemptMs, migrate: true, ...options });
  onTestFinished(() => store[Symbol.asyncDispose]());
  return store;
}

/** A connection past all code of ours, made at its first use. */
export function prompt(file: string): {
  readonly sql: (text: string) => SqlRow[];
  readonly exec: (text: string) => void;
} {
  let database: Libsql.Database | undefined;
  const connected = (): Libsql.Database => {
    if (database) return database;
    const made = new Libsql(file, { timeout: attemptMs });
    onTestFinished(() => void made.close());
    database = made;
    return made;
  };
  return {
    sql: (text) => connected().prepare(text).all().filter(isRow),
    exec: (text) => void connected().exec(text),
  };
}

function isRow(row: unknown): row is SqlRow {
  return typeof row === 'object' && row !== null;
}

export const sqliteBackend: Backend = {
  name: 'sqlite',
  async database() {
    const file = temporaryFile();
    await new SqliteSchema(file, attemptMs).migrate();
    const { sql, exec } = prompt(file);
    return {
      store: () => openStore(file),
      storeOf: (group) => openStore(file, { group }),
      sql: async (text) => sql(text),
      timeIn: (ms) => `(cast(round(unixepoch('subsec') * 1000) as integer) + ${ms})`,
      async rowsWritten(work) {
        const triggers = tables.flatMap((table) => changes.map((change) => [table, change] as const));
        exec('create table written (name text)');
        for (const [table, change] of triggers) {
          exec(`create trigger note_${table}_${change} after ${change} on ${table} for each row
            begin insert into written values ('${table}'); end`);
        }
        await work();
        for (const [table, change] of triggers) exec(`drop trigger note_${table}_${change}`);
        const written = sql('select name from written order by name').map((row) => String(row['name']));
        exec('drop table written');
        return written;
      },
    };
  },
  async emptyDatabase() {
    const file = temporaryFile();
    return {
      open: (options) => openStore(file, options),
      schema: new SqliteSchema(file, attemptMs),
      sql: async (text) => prompt(file).sql(text),
    };
  },
};
