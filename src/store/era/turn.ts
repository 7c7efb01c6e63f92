// The step from one era to the next, in a transaction that excludes writes under leases: by an operator (`new-era.ts`) and by itself
// (`era-keeper.ts`).
import { sql } from 'drizzle-orm';
import { EPOCHS_PER_ERA, INTEGER_MAX } from '../../domain/limits.ts';
import type { Era } from '../metadata-store.ts';
import { first, type SqlRunner } from '../sql/database.ts';
import { noteHistory, openEra, selectEra, selectHistoryPoint } from '../sql/era.ts';
import { readNumber } from '../sql/read.ts';
import { type NoParameters, statement } from '../sql/statement.ts';
import { endAllSessions } from './sessions-to-end.ts';

/** Something stands in the way that an operator can change; `message` says what. Nothing was changed. */
export class NewEraRefused extends Error {
  override readonly name = 'NewEraRefused';
}

export interface NextEra {
  /** The era in force. */
  readonly era: number;
  /** The one that can follow. */
  readonly nextEra: number;
  /** The highest epoch that the store knows of. */
  readonly epochMax: number;
}

const eraMax = Math.floor(INTEGER_MAX / EPOCHS_PER_ERA);

/** Leases of purged topics are gone, and their name's floor stays. */
const selectEpochMax = statement<NoParameters, number>(
  'select_epoch_max',
  (d) =>
    sql`select ${d.greatest(
      sql`(select coalesce(max(epoch), 0) from ${d.table('leases')})`,
      sql`(select coalesce(max(epoch), 0) from ${d.table('epoch_floors')})`,
    )} as epoch_max`,
  (row) => readNumber(row, 'epoch_max'),
);

const selectTtlMax = statement<NoParameters, number>(
  'select_ttl_max',
  (d) => sql`select coalesce(max(ttl_ms), 0) as ttl_ms from ${d.table('sessions')} where ended_at is null`,
  (row) => readNumber(row, 'ttl_ms'),
);

/** The era above everything that the store knows, and above the epoch `above`. Fails with NewEraRefused when there is none. */
export async function eraAfter(store: SqlRunner, above: number): Promise<NextEra> {
  const era = await first(store, selectEra, {});
  const point = await first(store, selectHistoryPoint, {});
  if (era === undefined || point === undefined) throw new Error('the store has no era row');
  const epochMax = (await first(store, selectEpochMax, {})) ?? 0;
  const known = Math.floor(Math.max(epochMax, above) / EPOCHS_PER_ERA);
  // Two recoveries from one backup find the same era in it, and never the same timeline, as long as they share an archive.
  const nextEra = Math.max(era.number + 1, known + 1, point.timeline ?? 0);
  if (nextEra > eraMax) {
    throw new NewEraRefused(`there is no era above ${nextEra - 1}: epochs end at 2^53 - 1`);
  }
  return { era: era.number, nextEra, epochMax };
}

/**
 * Ends all sessions and opens the era. Whoever trusted a lease may trust it for a TTL from now on, so long others wait for what was not
 * theirs: the longest TTL of the sessions that end, at least `ttlMs`.
 */
export async function turnEra(tx: SqlRunner, nextEra: number, ttlMs: number): Promise<Era> {
  const quarantineMs = Math.max(ttlMs, (await first(tx, selectTtlMax, {})) ?? 0);
  await endAllSessions(tx);
  const opened = await first(tx, openEra, { above: nextEra - 1, quarantineMs });
  if (opened === undefined) throw new Error('the store has no era row');
  await tx.all(noteHistory, {});
  return opened;
}
