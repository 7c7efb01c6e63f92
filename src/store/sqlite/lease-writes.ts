// Acquire and release on SQLite, each one write transaction that has the file to itself: what is judged in it stays true until
// its commit. Both look first without a transaction: who has nothing to gain takes no lock and writes nothing.
import { sql } from 'drizzle-orm';
import type { LeaseKey } from '../../domain/lease.ts';
import type { TermEndReason } from '../leases.ts';
import { first, type SqlDatabase, type SqlRunner } from '../sql/database.ts';
import { hasCrashed } from '../sql/crashed-session.ts';
import type { Dialect } from '../sql/dialect.ts';
import {
  leaseKeyOf,
  leaseRow,
  readLeaseKey,
  rowsOfGroup,
  sameKey,
  type TermRow,
  termRowColumns,
  type WantedRow,
} from '../sql/lease-rows.ts';
import {
  closeByTakeover,
  epochAfter,
  fromFreeLeases,
  fromOwnTerms,
  raiseHoldings,
  readGrant,
} from '../sql/lease-terms.ts';
import type { GrantedLease, LeaseWrites, WriteAnswer } from '../sql/lease-writes.ts';
import { readNumber } from '../sql/read.ts';
import { nothing, type ParameterValues, type Statement, statement } from '../sql/statement.ts';

type BySession = { group: string; sessionId: string };
type Terms = { terms: TermRow[] };

const session = (d: Dialect) => d.parameter('sessionId', 'uuid');

/** The leases (as `l`) that parameter `terms` names, each still at the epoch named. */
function whereLease(d: Dialect) {
  return sql`from ${rowsOfGroup(d, 'terms', termRowColumns)} as w
    where ${sameKey('l', 'w')} and l.epoch = w.epoch`;
}

/** The records (as `h`) of the terms that parameter `terms` names, those not closed yet. */
function whereTerm(d: Dialect) {
  return sql`from ${rowsOfGroup(d, 'terms', termRowColumns)} as w
    where ${sameKey('h', 'w')} and h.epoch = w.epoch and h.ended_at is null`;
}

interface Judged {
  readonly grant: GrantedLease;
  /** The lease as it is: at the epoch of the term before. */
  readonly before: TermRow;
}

/** What there is to be had: which leases are free, the epoch of their grant, and from whom they are taken over. */
const judge = statement<BySession & { leases: WantedRow[]; reclaimEra: number | null }, Judged>(
  'judge_free_leases',
  (d) => sql`select f.kind, f.name, f.partition, f.epoch, f.epoch_before, s.agent_id as agent_before,
      ${d.msBetween(sql`s.last_heartbeat_at`, d.now)} as silent_ms, ${hasCrashed(d)} as has_crashed
    from (select l.kind, l.name, l.partition, l.session_id, l.epoch as epoch_before, ${epochAfter(d, sql`l.epoch`)} as epoch
      ${fromFreeLeases(d)}) as f
    left join ${d.table('sessions')} s on s.session_id = f.session_id`,
  (row) => ({
    grant: readGrant(row),
    before: { ...leaseRow(readLeaseKey(row)), epoch: readNumber(row, 'epoch_before') },
  }),
);

const closeTaken = statement<{ group: string } & Terms>(
  'close_taken_terms',
  (d) => sql`update ${d.table('lease_history')} as h set ${closeByTakeover(d)} ${whereTerm(d)}`,
  nothing,
);

const grant = statement<BySession & Terms>(
  'grant_leases',
  (d) => sql`update ${d.table('leases')} as l
    set epoch = ${epochAfter(d, sql`l.epoch`)}, session_id = ${session(d)}, acquired_at = ${d.now}
    ${whereLease(d)}`,
  nothing,
);

const openGranted = statement<BySession & Terms>(
  'open_granted_terms',
  (d) => sql`insert into ${d.table('lease_history')}
      (group_name, kind, name, partition, epoch, session_id, agent_id, acquired_at)
    select l.group_name, l.kind, l.name, l.partition, l.epoch, me.session_id, me.agent_id, l.acquired_at
    from ${rowsOfGroup(d, 'terms', termRowColumns)} as w cross join ${d.table('leases')} l cross join ${d.table('sessions')} me
    where ${sameKey('l', 'w')} and me.session_id = ${session(d)}`,
  nothing,
);

const selectOwn = statement<BySession & Terms, TermRow>(
  'select_own_terms',
  (d) => sql`select l.kind, l.name, l.partition, l.epoch ${fromOwnTerms(d)}`,
  (row) => ({ ...leaseRow(readLeaseKey(row)), epoch: readNumber(row, 'epoch') }),
);

const vacate = statement<{ group: string } & Terms>(
  'vacate_own_leases',
  (d) => sql`update ${d.table('leases')} as l set session_id = null, acquired_at = null ${whereLease(d)}`,
  nothing,
);

const closeOwn = statement<{ group: string; reason: string } & Terms>(
  'close_own_terms',
  (d) => sql`update ${d.table('lease_history')} as h
    set ended_at = ${d.now}, end_reason = ${d.parameter('reason', 'text')} ${whereTerm(d)}`,
  nothing,
);

const touchSession = statement<{ sessionId: string }, number>(
  'raise_holdings_version',
  (d) => sql`${raiseHoldings(d)} returning holdings_version`,
  (row) => readNumber(row, 'holdings_version'),
);

export class SqliteLeaseWrites implements LeaseWrites {
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
    const wanted = { group, sessionId, leases: [...leases], reclaimEra };
    return this.write(sessionId, judge, wanted, async (tx, judged) => {
      const terms = judged.map(({ before }) => before);
      await tx.all(closeTaken, { group, terms });
      await tx.all(grant, { group, sessionId, terms });
      await tx.all(openGranted, { group, sessionId, terms });
      return judged.map(({ grant }) => grant);
    });
  }

  async release(
    group: string,
    sessionId: string,
    terms: readonly TermRow[],
    reason: TermEndReason,
  ): Promise<WriteAnswer<LeaseKey>> {
    const given = { group, sessionId, terms: [...terms] };
    return this.write(sessionId, selectOwn, given, async (tx, own) => {
      await tx.all(vacate, { group, terms: [...own] });
      await tx.all(closeOwn, { group, reason, terms: [...own] });
      return own.map(leaseKeyOf);
    });
  }

  /** Writes what `find` finds to write, found once more inside the transaction that writes it. */
  private async write<P extends ParameterValues, F, T>(
    sessionId: string,
    find: Statement<P, F>,
    parameters: P,
    work: (tx: SqlRunner, found: readonly F[]) => Promise<readonly T[]>,
  ): Promise<WriteAnswer<T>> {
    const nothingToWrite = { done: [], holdingsVersion: undefined };
    if ((await this.db.all(find, parameters)).length === 0) return nothingToWrite;
    return this.db.transaction(async (tx) => {
      const found = await tx.all(find, parameters);
      if (found.length === 0) return nothingToWrite;
      const done = await work(tx, found);
      return { done, holdingsVersion: await first(tx, touchSession, { sessionId }) };
    });
  }
}
