// Opens the PostgreSQL backend: pool, coordination connection, schema check.
import { EraKeeper, type OpenedEra } from '../era/era-keeper.ts';
import type { MetadataStore } from '../metadata-store.ts';
import type { ConnectionLock } from '../sessions.ts';
import type { JoiningOptions } from '../sql/joining.ts';
import { sqlStore } from '../sql/store.ts';
import type { ConnectionOptions } from './client.ts';
import { PostgresConnection } from './connection.ts';
import type { Finding } from '../finding.ts';
import { askOn, type Connected, connectWritable, onConnection, serversOf } from './connect.ts';
import { PostgresDatabase } from './database.ts';
import { postgresDialect } from './dialect.ts';
import { excludeLeaseWrites } from './era-database.ts';
import { type Durability, durabilityOf, type FirstLook, firstLook } from './first-look.ts';
import { translateError } from './errors.ts';
import { PostgresFencedWrites } from './fenced-writes.ts';
import { PostgresOffsetWrites } from './offset-writes.ts';
import { PostgresLeaseWrites } from './lease-writes.ts';
import { Servers } from './servers.ts';

export interface PostgresOptions extends ConnectionOptions {
  /** For the coordination connection, when `connectionString` goes through a pooler. */
  readonly directConnectionString: string;
  /** Those of `directConnectionString`. */
  readonly directServers?: Servers | undefined;
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
  /** Told how durable the store is, once it is open and whenever another server has become the primary. */
  readonly onDurability?: ((findings: readonly Finding[], server: string) => void) | undefined;
}

export interface EraNews {
  /** A new era was opened by this store. */
  readonly onOpened: (era: OpenedEra) => void;
  /** The server does not say where its data come from: a failover that lost commits goes unnoticed. */
  readonly onHistoryHidden: () => void;
}

/** Fails with StoreUnavailable while the server cannot be reached, StoreMisconfigured when a person must act. */
export async function openPostgresStore(options: PostgresOptions): Promise<MetadataStore> {
  const servers = serversOf(options);
  const isOneWay = options.directConnectionString === options.connectionString;
  const direct = {
    ...options,
    connectionString: options.directConnectionString,
    servers:
      options.directServers ??
      (isOneWay ? servers : new Servers({ ...options, connectionString: options.directConnectionString })),
  };
  const { first, look } = await connectFirst(direct);
  const { isHistoryHidden, commitsWeakly: strengthenCommit } = look;
  if (isHistoryHidden) options.eras?.onHistoryHidden();
  const dialect = postgresDialect(options.schema, { isHistoryHidden });
  const db = new PostgresDatabase(dialect, { ...options, servers, strengthenCommit });
  const coordination = new PostgresConnection(dialect, {
    ...direct,
    first,
    strengthenCommit,
    onLockLost: options.onConnectionLost,
    onLock: options.onLock,
  });
  const endFollowing = followDurability(direct, look.durability);
  return sqlStore(
    {
      name: 'postgres',
      db,
      coordination,
      leaseWrites: new PostgresLeaseWrites(db),
      fencedWrites: new PostgresFencedWrites(db),
      offsetWrites: new PostgresOffsetWrites(db),
      joining: joiningOf(options),
      eras: new EraKeeper(db, { excludeLeaseWrites, onOpened: options.eras?.onOpened }),
      pools: () => [db.use],
      async close() {
        endFollowing();
        await coordination[Symbol.asyncDispose]();
        await db[Symbol.asyncDispose]();
      },
    },
    options.group,
  );
}

/** The connection on which all is asked that must be known first; it goes on as the coordination connection. */
async function connectFirst(options: PostgresOptions): Promise<{ first: Connected; look: FirstLook }> {
  try {
    const first = await connectWritable(options);
    try {
      const ask = askOn(first, options.attemptMs);
      const asksDurability = options.onDurability !== undefined;
      const look = await firstLook(ask, first.server, { ...options, asksDurability });
      // One that was cut off meanwhile is made anew when it is needed.
      if (look.commitsWeakly && !first.client.isOver) await ask('set synchronous_commit = on');
      return { first, look };
    } catch (error) {
      first.client.cut();
      throw error;
    }
  } catch (error) {
    throw translateError(error);
  }
}

/** Two requests under way keep the server busy while the answers of one are told; half of the pool may wait for locks. */
function joiningOf({ poolMax, attemptMs }: PostgresOptions): JoiningOptions {
  return {
    storeName: 'PostgreSQL',
    atOnce: 2,
    waitAtOnce: Math.max(1, Math.floor(poolMax / 2)),
    patienceMs: attemptMs,
    atTurnsEnd: setImmediate,
  };
}

/** What was seen first is told at once, and what another primary shows when there is one. A look that fails says nothing. */
function followDurability(
  { onDurability, ...direct }: PostgresOptions & { readonly servers: Servers },
  first: Durability | undefined,
): () => void {
  if (onDurability === undefined) return () => undefined;
  let closed = false;
  const tell = (seen: Durability | undefined): void => {
    if (seen !== undefined && !closed) onDurability(seen.findings, seen.server);
  };
  const lookAgain = (): Promise<void> =>
    onConnection(direct, (ask, server) => durabilityOf(ask, server, direct.schema)).then(tell);
  tell(first);
  const unsubscribe = direct.servers.onMove(() => void lookAgain().catch(() => undefined));
  return () => {
    closed = true;
    unsubscribe();
  };
}
