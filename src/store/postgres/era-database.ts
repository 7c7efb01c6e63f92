// PostgreSQL as the store that a new era is opened on.
import { sql } from 'drizzle-orm';
import type { EraDatabase, History } from '../era/era-database.ts';
import type { SqlRunner } from '../sql/database.ts';
import { refuseUnusableStore } from '../sql/migrations.ts';
import { readNumber, readText } from '../sql/read.ts';
import { nothing, type NoParameters, statement } from '../sql/statement.ts';
import type { ConnectionOptions } from './client.ts';
import { PostgresDatabase } from './database.ts';
import { postgresDialect } from './dialect.ts';
import { knownMigrations, PostgresSchema } from './migrate.ts';

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

const selectHistory = statement<NoParameters, History>(
  'select_history',
  () => sql`select system_identifier::text as system_identifier,
      ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint as timeline
    from pg_control_system()`,
  (row) => ({
    systemIdentifier: readText(row, 'system_identifier'),
    timeline: readNumber(row, 'timeline'),
  }),
);

const unknownHistory: History = { systemIdentifier: null, timeline: null };

/** Fails as opening the store for an agent does, with StoreUnavailable or StoreMisconfigured. */
export async function openPostgresForEra(options: PostgresEraOptions): Promise<EraDatabase> {
  const schema = new PostgresSchema(options, options.schema);
  refuseUnusableStore(await schema.state(), knownMigrations);
  const strengthenCommit = await schema.commitsWeakly();
  const db = new PostgresDatabase(postgresDialect(options.schema), {
    ...options,
    strengthenCommit,
    poolMax: 1,
  });
  return {
    db,
    // Some services hide these functions.
    history: async () => (await db.all(selectHistory, {}).catch(() => []))[0] ?? unknownHistory,
    excludeLeaseWrites: async (tx: SqlRunner) => {
      await tx.all(excludeWrites, {});
    },
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}
