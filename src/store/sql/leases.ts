// Leases: who won, read in a later statement than the grant. The grant and the release themselves are each backend's own
// statements (`LeaseWrites`).
import { sql } from 'drizzle-orm';
import { type LeaseKey, leaseKeyText, roleKey, type Term } from '../../domain/lease.ts';
import {
  type AcquireAnswer,
  type AcquireOutcome,
  type HeldLease,
  type LeaseFilter,
  type LeaseStore,
  type LeaseView,
  type PartitionCounts,
  type Reclaim,
  type ReleaseAnswer,
  type ReleaseOutcome,
  type TermEndReason,
  type TermRecord,
  termEndReasons,
} from '../leases.ts';
import type { Page, PageRequest } from '../page.ts';
import { decodeCursor, pageOf, partitionNumberMax } from './cursor.ts';
import { first, type SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import type { LeaseWrites } from './lease-writes.ts';
import { inHistory, quarantineRestMs } from './era.ts';
import type { EraWatch } from './era-watch.ts';
import {
  leaseHolder,
  type LeaseRow,
  leaseRow,
  leaseRowColumns,
  readLeaseKey,
  sameKey,
} from './lease-rows.ts';
import { hasCrashed } from './crashed-session.ts';
import {
  readBoolean,
  readNumber,
  readNumberOrNull,
  readOneOfOrNull,
  readText,
  readTextOrNull,
  readTime,
  readTimeOrNull,
} from './read.ts';
import { notYet, sessionLost } from './not-granted.ts';
import { nothing, type Row, statement } from './statement.ts';

interface LeaseState {
  readonly key: LeaseKey;
  readonly epoch: number;
  readonly sessionId: string | null;
  /** The agent of the live session that holds it; null when free. */
  readonly holder: string | null;
  readonly exists: boolean;
  readonly highWatermark: number | null;
  /** Whether the answer is of the era's history. */
  readonly isOfEra: boolean;
  /** Of the era's quarantine, milliseconds; 0 or less: it is over. */
  readonly quarantineRestMs: number;
}

const insertRoles = statement<{ group: string; leases: LeaseRow[] }>(
  'insert_role_leases',
  (d) => sql`insert into ${d.table('leases')} (group_name, kind, name, partition)
    select ${d.parameter('group', 'text')}, w.kind, w.name, 0 from ${d.rows('leases', leaseRowColumns)} as w
    where w.kind = 'role' order by w.name on conflict do nothing`,
  nothing,
);

const selectStates = statement<{ group: string; leases: LeaseRow[] }, LeaseState>(
  'select_lease_states',
  (d) => sql`select l.kind, l.name, l.partition, l.epoch, l.session_id, s.agent_id,
      (l.kind = 'role' or p.partition is not null) as known, p.high_watermark,
      ${inHistory(d)} as is_of_era, ${quarantineRestMs(d)} as quarantine_rest_ms
    from ${d.rows('leases', leaseRowColumns)} as w
    cross join ${d.table('leases')} l
    left join ${d.table('sessions')} s on s.session_id = l.session_id and s.ended_at is null
    left join ${d.table('topics')} t on l.kind = 'partition' and t.group_name = l.group_name and t.name = l.name
    left join ${d.table('partitions')} p on p.topic_id = t.topic_id and p.partition = l.partition
    where l.group_name = ${d.parameter('group', 'text')} and ${sameKey('l', 'w')}`,
  (row) => ({
    key: readLeaseKey(row),
    epoch: readNumber(row, 'epoch'),
    sessionId: readTextOrNull(row, 'session_id'),
    holder: readTextOrNull(row, 'agent_id'),
    exists: Boolean(row['known']),
    highWatermark: readNumberOrNull(row, 'high_watermark'),
    isOfEra: readBoolean(row, 'is_of_era'),
    quarantineRestMs: readNumber(row, 'quarantine_rest_ms'),
  }),
);

/** Not found either where the store's data are not of the era's history: nothing is to be believed there. */
const selectLiveSession = statement<{ sessionId: string }, number>(
  'select_holdings_version',
  (d) => sql`select s.holdings_version from ${d.table('sessions')} s
    where s.session_id = ${d.parameter('sessionId', 'uuid')} and s.ended_at is null and ${inHistory(d)}`,
  (row) => readNumber(row, 'holdings_version'),
);

const selectHeld = statement<{ sessionId: string }, HeldLease>(
  'select_held_leases',
  // Subqueries where joins would read better: each is one look by key, whatever the planner believes of tables that were filled
  // a moment ago.
  (d) => sql`select l.kind, l.name, l.partition, l.epoch,
      l.release_requested_epoch is not distinct from l.epoch as release_requested,
      (select p.high_watermark from ${d.table('partitions')} p where l.kind = 'partition' and p.partition = l.partition
        and p.topic_id = (select t.topic_id from ${d.table('topics')} t
          where t.group_name = l.group_name and t.name = l.name)) as high_watermark
    from ${d.table('leases')} l
    where l.session_id = ${d.parameter('sessionId', 'uuid')} and ${inHistory(d)} order by l.kind, l.name, l.partition`,
  (row) => ({
    key: readLeaseKey(row),
    epoch: readNumber(row, 'epoch'),
    highWatermark: readNumberOrNull(row, 'high_watermark'),
    releaseRequested: readBoolean(row, 'release_requested'),
  }),
);

function viewColumns(d: Dialect) {
  return sql`l.kind, l.name, l.partition, l.epoch, s.agent_id, a.address,
    case when s.session_id is not null then ${d.timeMs(sql`l.acquired_at`)} end as acquired_at_ms,
    ${d.msBetween(d.now, sql`s.expires_at`)} as expires_in_ms`;
}

function withHolder(d: Dialect) {
  return sql`left join ${d.table('sessions')} s on s.session_id = l.session_id and s.ended_at is null
    left join ${d.table('agents')} a on a.group_name = s.group_name and a.agent_id = s.agent_id`;
}

function readView(row: Row): LeaseView {
  return {
    key: readLeaseKey(row),
    agentId: readTextOrNull(row, 'agent_id'),
    address: readTextOrNull(row, 'address'),
    epoch: readNumber(row, 'epoch'),
    acquiredAt: readTimeOrNull(row, 'acquired_at_ms'),
    expiresInMs: readNumberOrNull(row, 'expires_in_ms'),
  };
}

/** One lease; of partitions only those that exist. */
const selectView = statement<{ group: string } & LeaseRow, LeaseView>(
  'select_lease',
  (d) => sql`select ${viewColumns(d)} from ${d.table('leases')} l ${withHolder(d)}
    where l.group_name = ${d.parameter('group', 'text')} and l.kind = ${d.parameter('kind', 'text')}
      and l.name = ${d.parameter('name', 'text')} and l.partition = ${d.parameter('partition', 'integer')}
      and (l.kind = 'role' or exists (select 1 from ${d.table('topics')} t
        join ${d.table('partitions')} p on p.topic_id = t.topic_id
        where t.group_name = l.group_name and t.name = l.name and p.partition = l.partition))`,
  readView,
);

interface ViewPage {
  [column: string]: string | number | null;
  group: string;
  topic: string | null;
  agentId: string | null;
  unleased: number;
  name: string;
  partition: number;
  limit: number;
}

const selectPartitionViews = statement<ViewPage, LeaseView>(
  'select_partition_leases',
  (d) => sql`select ${viewColumns(d)} from ${d.table('topics')} t
    join ${d.table('partitions')} p on p.topic_id = t.topic_id
    join ${d.table('leases')} l on l.group_name = t.group_name and l.kind = 'partition' and l.name = t.name
      and l.partition = p.partition
    ${withHolder(d)}
    where t.group_name = ${d.parameter('group', 'text')}
      and (${d.parameter('topic', 'text')} is null or t.name = ${d.parameter('topic', 'text')})
      and (${d.parameter('agentId', 'text')} is null or s.agent_id = ${d.parameter('agentId', 'text')})
      and (${d.parameter('unleased', 'integer')} = 0 or s.session_id is null)
      and (t.name, p.partition) > (${d.parameter('name', 'text')}, ${d.parameter('partition', 'integer')})
    order by t.name, p.partition limit ${d.parameter('limit', 'bigint')}`,
  readView,
);

const countPartitions = statement<{ group: string }, PartitionCounts>(
  'count_partitions',
  (d) => sql`select count(distinct t.topic_id) as topics, count(*) as total,
      count((select 1 from ${d.table('sessions')} s where s.ended_at is null and s.session_id = (${leaseHolder(d)}))) as led,
      count((select 1 from ${d.table('assignments')} n
        where n.topic_id = p.topic_id and n.partition = p.partition and n.agent_id is distinct from
          (select s.agent_id from ${d.table('sessions')} s where s.ended_at is null and s.session_id = (${leaseHolder(d)})))) as moving
    from ${d.table('topics')} t
    join ${d.table('partitions')} p on p.topic_id = t.topic_id
    where t.group_name = ${d.parameter('group', 'text')}`,
  (row) => ({
    topics: readNumber(row, 'topics'),
    total: readNumber(row, 'total'),
    led: readNumber(row, 'led'),
    moving: readNumber(row, 'moving'),
  }),
);

const selectRoleViews = statement<{ group: string; after: string; limit: number }, LeaseView>(
  'select_role_leases',
  (d) => sql`select ${viewColumns(d)} from ${d.table('leases')} l ${withHolder(d)}
    where l.group_name = ${d.parameter('group', 'text')} and l.kind = 'role' and l.name > ${d.parameter('after', 'text')}
    order by l.name limit ${d.parameter('limit', 'bigint')}`,
  readView,
);

/** Of the record `h`. Stored is what programs of every release know: that the session was reaped. */
function endReason(d: Dialect) {
  return sql`case when h.end_reason = 'reaped' and exists (
    select 1 from ${d.table('sessions')} s where s.session_id = h.session_id and ${hasCrashed(d)}) then 'crashed' else h.end_reason end`;
}

const selectHistory = statement<{ group: string; limit: number } & LeaseRow, TermRecord>(
  'select_lease_history',
  (
    d,
  ) => sql`select h.epoch, h.agent_id, ${endReason(d)} as end_reason, ${d.timeMs(sql`h.acquired_at`)} as acquired_at_ms,
      ${d.timeMs(sql`h.ended_at`)} as ended_at_ms
    from ${d.table('lease_history')} h
    where h.group_name = ${d.parameter('group', 'text')} and h.kind = ${d.parameter('kind', 'text')}
      and h.name = ${d.parameter('name', 'text')} and h.partition = ${d.parameter('partition', 'integer')}
    order by h.epoch desc limit ${d.parameter('limit', 'bigint')}`,
  (row) => ({
    epoch: readNumber(row, 'epoch'),
    agentId: readText(row, 'agent_id'),
    from: readTime(row, 'acquired_at_ms'),
    to: readTimeOrNull(row, 'ended_at_ms'),
    reason: readOneOfOrNull(row, 'end_reason', termEndReasons),
  }),
);

export class SqlLeases implements Omit<LeaseStore, 'requestRelease' | 'retireCoordinator'> {
  private readonly db: SqlDatabase;
  private readonly writes: LeaseWrites;
  private readonly eras: EraWatch;
  private readonly group: string;

  constructor(db: SqlDatabase, writes: LeaseWrites, eras: EraWatch, group: string) {
    this.db = db;
    this.writes = writes;
    this.eras = eras;
    this.group = group;
  }

  async acquireLeases(
    sessionId: string,
    keys: readonly LeaseKey[],
    reclaim?: Reclaim,
  ): Promise<AcquireAnswer> {
    const { group } = this;
    const wanted = keys.map((key) => ({ ...leaseRow(key), reclaimed: reclaim?.has(key) === true ? 1 : 0 }));
    const leases = keys.map(leaseRow);
    await this.ensureRoles(leases.filter((lease) => lease.kind === 'role'));
    const written = await this.writes.acquire(group, sessionId, wanted, reclaim?.era ?? null);
    const states = await this.states(leases);
    if ([...states.values()].some((state) => !state.isOfEra)) {
      // What a server of another history says we hold, somebody else may hold by now.
      await this.eras.settle();
      throw sessionLost(sessionId, 'a new era was opened');
    }
    if (written.done.length === 0 && (await first(this.db, selectLiveSession, { sessionId })) === undefined) {
      throw sessionLost(sessionId, 'it can hold no lease');
    }
    const granted = new Map(written.done.map((grant) => [leaseKeyText(grant.key), grant]));
    const outcomes = keys.map((key): AcquireOutcome => {
      const state = states.get(leaseKeyText(key));
      const grant = granted.get(leaseKeyText(key));
      if (!state?.exists) return { outcome: 'unknown', key };
      const { epoch, highWatermark } = state;
      if (state.sessionId === sessionId) {
        return grant?.epoch === epoch
          ? { outcome: 'granted', key, epoch, highWatermark, takenOver: grant.takenOver }
          : { outcome: 'already_held', key, epoch, highWatermark };
      }
      return state.holder === null
        ? notYet(key, state.quarantineRestMs, reclaim)
        : { outcome: 'held', key, epoch, holder: state.holder };
    });
    return { outcomes, holdingsVersion: written.holdingsVersion };
  }

  async releaseLeases(
    sessionId: string,
    terms: readonly Term[],
    reason: TermEndReason,
  ): Promise<ReleaseAnswer> {
    const rows = terms.map(({ key, epoch }) => ({ ...leaseRow(key), epoch }));
    const written = await this.writes.release(this.group, sessionId, rows, reason);
    const states = await this.states(rows.map(({ epoch: _, ...row }) => row));
    // What we released may have its next holder by now.
    const released = new Set(written.done.map(leaseKeyText));
    const outcomes = terms.map((term): ReleaseOutcome => {
      const state = states.get(leaseKeyText(term.key));
      const isVacant = state?.epoch === term.epoch && state.sessionId === null;
      return isVacant || released.has(leaseKeyText(term.key))
        ? { outcome: 'released', term }
        : { outcome: 'superseded', term, currentEpoch: state?.epoch ?? 0 };
    });
    return { outcomes, holdingsVersion: written.holdingsVersion };
  }

  async heldLeases(
    sessionId: string,
  ): Promise<{ readonly terms: readonly HeldLease[]; readonly holdingsVersion: number }> {
    // The version first: what changes between the two reads shows as a higher version at the next heartbeat.
    const holdingsVersion = await first(this.db, selectLiveSession, { sessionId });
    if (holdingsVersion === undefined) {
      await this.eras.settle();
      throw sessionLost(sessionId, 'it holds nothing');
    }
    return { holdingsVersion, terms: await this.db.all(selectHeld, { sessionId }) };
  }

  async getLease(key: LeaseKey): Promise<LeaseView | undefined> {
    return first(this.db, selectView, { group: this.group, ...leaseRow(key) });
  }

  async listPartitionLeases(filter: LeaseFilter, page: PageRequest): Promise<Page<LeaseView>> {
    const [name, partition] = decodeCursor(page, ['', -1], partitionNumberMax);
    const rows = await this.db.all(selectPartitionViews, {
      group: this.group,
      topic: filter.topic ?? null,
      agentId: filter.agentId ?? null,
      unleased: filter.unleased ? 1 : 0,
      name,
      partition,
      limit: page.limit + 1,
    });
    return pageOf(rows, page, ({ key }) => [leaseRow(key).name, leaseRow(key).partition]);
  }

  async countPartitions(): Promise<PartitionCounts> {
    return (
      (await first(this.db, countPartitions, { group: this.group })) ?? {
        topics: 0,
        total: 0,
        led: 0,
        moving: 0,
      }
    );
  }

  async listRoleLeases(page: PageRequest): Promise<Page<LeaseView>> {
    const [after] = decodeCursor(page, ['']);
    const rows = await this.db.all(selectRoleViews, { group: this.group, after, limit: page.limit + 1 });
    return pageOf(rows, page, ({ key }) => [leaseRow(key).name]);
  }

  async leaseHistory(key: LeaseKey, limit: number): Promise<readonly TermRecord[]> {
    return this.db.all(selectHistory, { group: this.group, ...leaseRow(key), limit });
  }

  /** Roles have no row before their first campaign. Looks first: a losing campaign writes nothing. */
  private async ensureRoles(roles: readonly LeaseRow[]): Promise<void> {
    if (roles.length === 0) return;
    const known = await this.states(roles);
    const missing = roles.filter((role) => !known.has(leaseKeyText(roleKey(role.name))));
    if (missing.length > 0) await this.db.all(insertRoles, { group: this.group, leases: missing });
  }

  private async states(leases: readonly LeaseRow[]): Promise<ReadonlyMap<string, LeaseState>> {
    const rows = await this.db.all(selectStates, { group: this.group, leases: [...leases] });
    return new Map(rows.map((state) => [leaseKeyText(state.key), state]));
  }
}
