// PostgreSQL as the store that a new era is opened on.
import { sql } from 'drizzle-orm';
import type { EraDatabase } from '../era/era-database.ts';
import type { SqlRunner } from '../sql/database.ts';
import { nothing, statement } from '../sql/statement.ts';
import type { ConnectionOptions } from './client.ts';
import { onConnection } from './connect.ts';
import { PostgresDatabase } from './database.ts';
import { postgresDialect } from './dialect.ts';
import { firstLook } from './first-look.ts';

export interface PostgresEraOptions extends ConnectionOptions {
  readonly schema: string;
}

/**
 * Of all modes the weakest that conflicts with FOR NO KEY UPDATE, which holds writes under a lease. A statement that waits for it takes
 * its snapshot behind it, so a grant that comes after reads the new era. Reading goes on.
 */
const excludeWrites = statement(
  'exclude_lease_writes',
  (d) => sql`lock table ${d.table('leases')} in exclusive mode`,
  nothing,
);

/** As `EraDatabase.excludeLeaseWrites`. */
export async function excludeLeaseWrites(tx: SqlRunner): Promise<void> {
  await tx.all(excludeWrites, {});
}

/** Fails as opening the store for an agent does, with StoreUnavailable or StoreMisconfigured. */
export async function openPostgresForEra(options: PostgresEraOptions): Promise<EraDatabase> {
  const { isHistoryHidden, commitsWeakly } = await onConnection(options, (ask, server) =>
    firstLook(ask, server, { ...options, migrate: false, asksDurability: false }),
  );
  const dialect = postgresDialect(options.schema, { isHistoryHidden });
  const db = new PostgresDatabase(dialect, { ...options, strengthenCommit: commitsWeakly, poolMax: 1 });
  return { db, excludeLeaseWrites, [Symbol.asyncDispose]: () => db[Symbol.asyncDispose]() };
}
