// Opens the SQLite backend: file, schema check, connections.
import { resolve } from 'node:path';
import { EraKeeper, type OpenedEra } from '../era/era-keeper.ts';
import type { MetadataStore } from '../metadata-store.ts';
import { joiningByDefault } from '../sql/joining.ts';
import { refuseUnusableStore } from '../sql/migrations.ts';
import { sqlStore } from '../sql/store.ts';
import { SqliteDatabase } from './database.ts';
import { sqliteDialect } from './dialect.ts';
import { SqliteFencedWrites } from './fenced-writes.ts';
import { SqliteOffsetWrites } from './offset-writes.ts';
import { SqliteLeaseWrites } from './lease-writes.ts';
import { knownMigrations, SqliteSchema } from './migrate.ts';

export interface SqliteOptions {
  /** Made when it is missing, with its directory, if `migrate`. */
  readonly file: string;
  readonly group: string;
  /** Bound of one operation's waiting for locks, milliseconds. */
  readonly attemptMs: number;
  /** Apply pending migrations first. */
  readonly migrate: boolean;
  /** A new era was opened by this store. */
  readonly onEraOpened?: ((era: OpenedEra) => void) | undefined;
}

export interface SqliteStore extends MetadataStore {
  /** Differs from the time before when another process, or another store of this one, has committed something meanwhile. */
  dataVersion(): Promise<number>;
}

/** Fails with StoreUnavailable while the file is locked by others, StoreMisconfigured when a person must act. */
export async function openSqliteStore(options: SqliteOptions): Promise<SqliteStore> {
  const { group, attemptMs, migrate } = options;
  const file = resolve(options.file);
  const schema = new SqliteSchema(file, attemptMs);
  if (migrate) await schema.migrate();
  refuseUnusableStore(await schema.state(), knownMigrations);
  const db = new SqliteDatabase(sqliteDialect(), { file, attemptMs });
  const store = sqlStore(
    {
      name: 'sqlite',
      db,
      coordination: db,
      leaseWrites: new SqliteLeaseWrites(db),
      fencedWrites: new SqliteFencedWrites(db),
      offsetWrites: new SqliteOffsetWrites(db),
      // One transaction after the other, whatever is asked: what comes meanwhile joins the next.
      joining: { ...joiningByDefault, patienceMs: attemptMs, atTurnsEnd: setImmediate },
      // A write transaction has the file to itself.
      eras: new EraKeeper(db, { excludeLeaseWrites: async () => {}, onOpened: options.onEraOpened }),
      close: () => db[Symbol.asyncDispose](),
    },
    group,
  );
  return { ...store, dataVersion: () => db.dataVersion() };
}
