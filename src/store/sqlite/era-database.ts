// An SQLite file as the store that a new era is opened on.
import { existsSync } from 'node:fs';
import { StoreMisconfigured } from '../../domain/refusal.ts';
import type { EraDatabase } from '../era/era-database.ts';
import { refuseUnusableStore } from '../sql/migrations.ts';
import { SqliteDatabase, type SqliteDatabaseOptions } from './database.ts';
import { sqliteDialect } from './dialect.ts';
import { knownMigrations, SqliteSchema } from './migrate.ts';

/** Fails as opening the store for an agent does, with StoreUnavailable or StoreMisconfigured. */
export async function openSqliteForEra(options: SqliteDatabaseOptions): Promise<EraDatabase> {
  const { file, attemptMs } = options;
  if (!existsSync(file)) throw new StoreMisconfigured(`there is no database file ${file}; check the path`);
  refuseUnusableStore(await new SqliteSchema(file, attemptMs).state(), knownMigrations);
  const db = new SqliteDatabase(sqliteDialect(), options);
  return {
    db,
    /** A write transaction has the file to itself. */
    excludeLeaseWrites: async () => {},
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}
