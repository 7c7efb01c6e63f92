// Opens the PostgreSQL backend: pool, coordination connection, schema check.
import { EraKeeper, type OpenedEra } from '../era/era-keeper.ts';
import type { MetadataStore } from '../metadata-store.ts';
import type { ConnectionLock } from '../sessions.ts';
import { refuseUnusableStore } from '../sql/migrations.ts';
import { sqlStore } from '../sql/store.ts';
import type { ConnectionOptions } from './client.ts';
import { PostgresConnection } from './connection.ts';
import { PostgresDatabase } from './database.ts';
import { postgresDialect } from './dialect.ts';
import { excludeLeaseWrites } from './era-database.ts';
import { PostgresFencedWrites } from './fenced-writes.ts';
import { PostgresLeaseWrites } from './lease-writes.ts';
import { knownMigrations, PostgresSchema } from './migrate.ts';

export interface PostgresOptions extends ConnectionOptions {
  /** For the coordination connection, when `connectionString` goes through a pooler. */
  readonly directConnectionString: string;
  readonly schema: string;
  readonly group: string;
  readonly poolMax: number;
  /** Apply pending migrations first. */
  readonly migrate: boolean;
  /**
   * Crash detection: called when the coordination connection was lost, which others may soon take for the agent's death. Undefined:
   * it is off.
   */
  readonly onConnectionLost?: (() => void) | undefined;
  /** Crash detection: called with what became of the lock of each coordination connection. */
  readonly onLock?: ((lock: ConnectionLock) => void) | undefined;
  readonly eras?: EraNews | undefined;
}

export interface EraNews {
  /** A new era was opened by this store. */
  readonly onOpened: (era: OpenedEra) => void;
  /** The server does not say where its data come from: a failover that lost commits goes unnoticed. */
  readonly onHistoryHidden: () => void;
}

/** Fails with StoreUnavailable while the server cannot be reached, StoreMisconfigured when a person must act. */
export async function openPostgresStore(options: PostgresOptions): Promise<MetadataStore> {
  const direct = { ...options, connectionString: options.directConnectionString };
  const schema = new PostgresSchema(direct, options.schema);
  if (options.migrate) await schema.migrate();
  refuseUnusableStore(await schema.state(), knownMigrations);
  const isHistoryHidden = await schema.hidesHistory();
  if (isHistoryHidden) options.eras?.onHistoryHidden();
  const dialect = postgresDialect(options.schema, { isHistoryHidden });
  const strengthenCommit = await schema.commitsWeakly();
  const db = new PostgresDatabase(dialect, { ...options, strengthenCommit });
  const coordination = new PostgresConnection(dialect, {
    ...direct,
    strengthenCommit,
    onLockLost: options.onConnectionLost,
    onLock: options.onLock,
  });
  return sqlStore(
    {
      name: 'postgres',
      db,
      coordination,
      leaseWrites: new PostgresLeaseWrites(db),
      fencedWrites: new PostgresFencedWrites(db),
      eras: new EraKeeper(db, { excludeLeaseWrites, onOpened: options.eras?.onOpened }),
      pools: () => [db.use],
      async close() {
        await coordination[Symbol.asyncDispose]();
        await db[Symbol.asyncDispose]();
      },
    },
    options.group,
  );
}
