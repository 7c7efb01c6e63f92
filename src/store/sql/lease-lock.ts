// One lease held still: what an operator's steps begin with, so that the epoch they compare stays the current one until
// their commit.
import { sql } from 'drizzle-orm';
import { type LeaseKey, leaseKeyText } from '../../domain/lease.ts';
import { Refusal } from '../../domain/refusal.ts';
import { first, type SqlRunner } from './database.ts';
import { isThere, type LeaseRow, leaseRow } from './lease-rows.ts';
import { readNumber, readNumberOrNull, readText, readTextOrNull } from './read.ts';
import { statement } from './statement.ts';

export interface LockedLease {
  readonly epoch: number;
  /** The session it names, which may have ended. */
  readonly sessionId: string | null;
  readonly releaseRequestedEpoch: number | null;
}

/** One lease; of partitions only those that exist. Waits for a write or a takeover in flight. */
const lockLease = statement<{ group: string } & LeaseRow, LockedLease>(
  'lock_lease',
  (d) => sql`select l.epoch, l.session_id, l.release_requested_epoch from ${d.table('leases')} l
    where l.group_name = ${d.parameter('group', 'text')} and l.kind = ${d.parameter('kind', 'text')}
      and l.name = ${d.parameter('name', 'text')} and l.partition = ${d.parameter('partition', 'integer')}
      and ${isThere(d)}
    ${d.lock('no key update', 'l')}`,
  (row) => ({
    epoch: readNumber(row, 'epoch'),
    sessionId: readTextOrNull(row, 'session_id'),
    releaseRequestedEpoch: readNumberOrNull(row, 'release_requested_epoch'),
  }),
);

/** In a later statement than the lock: only that sees a session that ended, or began, while the lock was waited for. */
const selectHolder = statement<{ sessionId: string }, string>(
  'select_holder',
  (d) => sql`select s.agent_id from ${d.table('sessions')} s
    where s.session_id = ${d.parameter('sessionId', 'uuid')} and s.ended_at is null`,
  (row) => readText(row, 'agent_id'),
);

/** To be called inside a transaction. Refuses: `not_found`; `fenced` when the epoch is not the expected one. */
export async function lockAtEpoch(
  tx: SqlRunner,
  group: string,
  key: LeaseKey,
  expectedEpoch: number | null,
): Promise<LockedLease> {
  const lease = await first(tx, lockLease, { group, ...leaseRow(key) });
  const what = key.kind === 'role' ? `role "${key.name}"` : `partition ${leaseKeyText(key)}`;
  if (!lease) throw new Refusal('not_found', `${what} does not exist`);
  if (expectedEpoch === null || expectedEpoch === lease.epoch) return lease;
  throw new Refusal(
    'fenced',
    `${what} is at epoch ${lease.epoch}, not ${expectedEpoch}; look again who holds it`,
    {
      givenEpoch: expectedEpoch,
      currentEpoch: lease.epoch,
    },
  );
}

/** The agent of the live session that holds the locked lease; null when nobody does. */
export async function holderOf(tx: SqlRunner, { sessionId }: LockedLease): Promise<string | null> {
  return sessionId === null ? null : ((await first(tx, selectHolder, { sessionId })) ?? null);
}
