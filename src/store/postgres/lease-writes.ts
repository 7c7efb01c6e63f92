// Acquire and release, one statement each. The shape of both matters; src/domain/README.md, "Acquire", gives the argument.
import { type SQL, sql } from 'drizzle-orm';
import type { LeaseKey } from '../../domain/lease.ts';
import type { TermEndReason } from '../leases.ts';
import type { SqlDatabase } from '../sql/database.ts';
import { hasCrashed } from '../sql/crashed-session.ts';
import type { Dialect } from '../sql/dialect.ts';
import { readLeaseKey, sameKey, termKey, type TermRow, type WantedRow } from '../sql/lease-rows.ts';
import {
  closeByTakeover,
  epochAfter,
  fromFreeLeases,
  fromOwnTerms,
  isOwn,
  raiseHoldings,
  readGrant,
} from '../sql/lease-terms.ts';
import type { GrantedLease, LeaseWrites, WriteAnswer } from '../sql/lease-writes.ts';
import { readNumberOrNull } from '../sql/read.ts';
import { statement } from '../sql/statement.ts';

interface Written<T> {
  readonly item: T;
  readonly holdingsVersion: number | null;
}

const session = (d: Dialect) => d.parameter('sessionId', 'uuid');

/**
 * Raises the version only when the statement changed something. The count, unlike an EXISTS, is there only after the last
 * lease: otherwise a release that waits for a lease would hold its session's row meanwhile, and with it the heartbeat.
 */
function touchSession(d: Dialect, when: string) {
  return sql`${raiseHoldings(d)} and (select count(*) from ${sql.raw(when)}) > 0 returning holdings_version`;
}

/** Whether a record (as `h`) is the one of an open term at `epoch` of one of the leases `leases` (as `t`). */
function openTerms(d: Dialect, leases: SQL, epoch: string) {
  const isOpen = sql`${sameKey('h', 't')} and h.epoch = ${sql.raw(epoch)} and h.ended_at is null`;
  return d.isFound('h', termKey, sql`from ${leases} ${d.lookUp('lease_history', 'h', isOpen)}`);
}

const acquire = statement<
  { group: string; sessionId: string; leases: WantedRow[]; reclaimEra: number | null },
  Written<GrantedLease>
>(
  'acquire_leases',
  (d) => sql`
    with free as materialized (
      -- Judged in this statement's snapshot, with the epoch that was judged.
      select l.group_name, l.kind, l.name, l.partition, l.epoch, l.session_id
      ${fromFreeLeases(d)}
    ), locked as materialized (
      -- A row that changed since the snapshot is judged again here, on its new version, by its epoch alone.
      select l.group_name, l.kind, l.name, l.partition, f.epoch, f.session_id
      from free f
      join ${d.table('leases')} l on ${sameKey('l', 'f')}
      where l.epoch = f.epoch
      order by l.kind, l.name, l.partition
      for update of l skip locked
    ), granted as (
      update ${d.table('leases')} l
      set epoch = ${epochAfter(d, sql`l.epoch`)},
        session_id = ${session(d)}, acquired_at = clock_timestamp()
      from locked k
      where ${sameKey('l', 'k')} and l.epoch = k.epoch
      returning l.group_name, l.kind, l.name, l.partition, l.epoch, l.acquired_at, k.epoch as epoch_before, k.session_id as session_before
    ), closed as (
      update ${d.table('lease_history')} h set ${closeByTakeover(d)}
      where ${openTerms(d, sql`(select * from granted where session_before is not null) t`, 't.epoch_before')}
    ), opened as (
      insert into ${d.table('lease_history')} (group_name, kind, name, partition, epoch, session_id, agent_id, acquired_at)
      select g.group_name, g.kind, g.name, g.partition, g.epoch, ${session(d)},
        (select agent_id from ${d.table('sessions')} where session_id = ${session(d)}), g.acquired_at
      from granted g
    ), touched as (${touchSession(d, 'granted')})
    select g.kind, g.name, g.partition, g.epoch, s.agent_id as agent_before,
      ${d.msBetween(sql`s.last_heartbeat_at`, sql`g.acquired_at`)} as silent_ms, ${hasCrashed(d)} as has_crashed,
      (select holdings_version from touched) as holdings_version
    from granted g left join ${d.table('sessions')} s on s.session_id = g.session_before`,
  (row) => ({ item: readGrant(row), holdingsVersion: readNumberOrNull(row, 'holdings_version') }),
);

const release = statement<
  { group: string; sessionId: string; terms: TermRow[]; reason: string },
  Written<LeaseKey>
>(
  'release_leases',
  (d) => sql`
    with locked as materialized (
      select l.group_name, l.kind, l.name, l.partition, l.epoch
      ${fromOwnTerms(d)}
      order by l.kind, l.name, l.partition
      for update of l
    ), vacated as (
      update ${d.table('leases')} l set session_id = null, acquired_at = null
      from locked k
      where ${sameKey('l', 'k')} and l.epoch = k.epoch
        and ${isOwn(d)}
      returning l.group_name, l.kind, l.name, l.partition, l.epoch
    ), closed as (
      update ${d.table('lease_history')} h
      set ended_at = clock_timestamp(), end_reason = ${d.parameter('reason', 'text')}
      where ${openTerms(d, sql`vacated t`, 't.epoch')}
    ), touched as (${touchSession(d, 'vacated')})
    select v.kind, v.name, v.partition, (select holdings_version from touched) as holdings_version from vacated v`,
  (row) => ({ item: readLeaseKey(row), holdingsVersion: readNumberOrNull(row, 'holdings_version') }),
);

function answer<T>(rows: readonly Written<T>[]): WriteAnswer<T> {
  return { done: rows.map((row) => row.item), holdingsVersion: rows[0]?.holdingsVersion ?? undefined };
}

export class PostgresLeaseWrites implements LeaseWrites {
  private readonly db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.db = db;
  }

  async acquire(
    group: string,
    sessionId: string,
    leases: readonly WantedRow[],
    reclaimEra: number | null,
  ): Promise<WriteAnswer<GrantedLease>> {
    return answer(await this.db.all(acquire, { group, sessionId, leases: [...leases], reclaimEra }));
  }

  async release(
    group: string,
    sessionId: string,
    terms: readonly TermRow[],
    reason: TermEndReason,
  ): Promise<WriteAnswer<LeaseKey>> {
    return answer(await this.db.all(release, { group, sessionId, terms: [...terms], reason }));
  }
}
