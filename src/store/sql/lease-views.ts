// Leases as clients and people see them: one, lists, counts, history. Who holds what at the moment; nothing is decided by it.
import { sql } from 'drizzle-orm';
import { type LeaseKey, partitionKey } from '../../domain/lease.ts';
import {
  type LeaseFilter,
  type LeaseStore,
  type LeaseView,
  type PartitionCounts,
  type TermRecord,
  termEndReasons,
} from '../leases.ts';
import type { Page, PageRequest } from '../page.ts';
import { hasCrashed } from './crashed-session.ts';
import { decodeCursor, pageOf, partitionNumberMax } from './cursor.ts';
import { first, type SqlConnection, type SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import { isThere, type LeaseRow, leaseRow, readLeaseKey } from './lease-rows.ts';
import { fromLedPartitions } from './led-partitions.ts';
import {
  readNumber,
  readNumberOrNull,
  readOneOfOrNull,
  readText,
  readTextOrNull,
  readTime,
  readTimeOrNull,
} from './read.ts';
import { type Row, statement } from './statement.ts';

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
      and ${isThere(d)}`,
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

/** Of all topics. Who asks for one agent's, or for those without a leader, gets few. */
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

/** A partition's lease as its row tells it: whose session it names, alive or not. */
interface TopicLease {
  readonly partition: number;
  readonly epoch: number;
  readonly sessionId: string | null;
  readonly acquiredAt: Date | null;
}

/**
 * Two ranges of keys side by side, and who holds what is asked for afterwards: joined in one statement with everything else, planners that know
 * little of the tables look for each partition by itself.
 */
const selectTopicLeases = statement<
  { group: string; topic: string; after: number; limit: number },
  TopicLease
>(
  'select_topic_leases',
  (d) => sql`select l.partition, l.epoch, l.session_id, ${d.timeMs(sql`l.acquired_at`)} as acquired_at_ms
    from ${d.table('partitions')} p join ${d.table('leases')} l on l.partition = p.partition
    where p.topic_id = (select t.topic_id from ${d.table('topics')} t
        where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')})
      and p.partition > ${d.parameter('after', 'integer')}
      and l.group_name = ${d.parameter('group', 'text')} and l.kind = 'partition' and l.name = ${d.parameter('topic', 'text')}
    order by p.partition limit ${d.parameter('limit', 'bigint')}`,
  (row) => ({
    partition: readNumber(row, 'partition'),
    epoch: readNumber(row, 'epoch'),
    sessionId: readTextOrNull(row, 'session_id'),
    acquiredAt: readTimeOrNull(row, 'acquired_at_ms'),
  }),
);

interface Holder extends Pick<LeaseView, 'agentId' | 'address' | 'expiresInMs'> {
  readonly sessionId: string;
}

/** Of these sessions those that live. */
const selectHolders = statement<{ sessions: { session_id: string }[] }, Holder>(
  'select_lease_holders',
  (d) => sql`select s.session_id, s.agent_id, ${d.msBetween(d.now, sql`s.expires_at`)} as expires_in_ms,
      (select a.address from ${d.table('agents')} a where a.group_name = s.group_name and a.agent_id = s.agent_id) as address
    from ${d.rows('sessions', { session_id: 'uuid' })} as w
    cross join ${d.table('sessions')} s
    where s.session_id = w.session_id and s.ended_at is null`,
  (row) => ({
    sessionId: readText(row, 'session_id'),
    agentId: readText(row, 'agent_id'),
    address: readTextOrNull(row, 'address'),
    expiresInMs: readNumber(row, 'expires_in_ms'),
  }),
);

const countPartitions = statement<{ group: string }, PartitionCounts>(
  'count_partitions',
  (d) => sql`select count(distinct p.topic_id) as topics, count(*) as total, count(h.agent_id) as led,
      count(case when n.agent_id is distinct from h.agent_id then n.agent_id end) as moving
    ${fromLedPartitions(d)}`,
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

export class SqlLeaseViews implements Pick<
  LeaseStore,
  'getLease' | 'roleHolder' | 'listPartitionLeases' | 'countPartitions' | 'listRoleLeases' | 'leaseHistory'
> {
  private readonly db: SqlDatabase;
  private readonly coordination: SqlConnection;
  private readonly group: string;

  constructor(db: SqlDatabase, coordination: SqlConnection, group: string) {
    this.db = db;
    this.coordination = coordination;
    this.group = group;
  }

  async getLease(key: LeaseKey): Promise<LeaseView | undefined> {
    return first(this.db, selectView, { group: this.group, ...leaseRow(key) });
  }

  async roleHolder(role: LeaseKey): Promise<string | null> {
    const lease = await first(this.coordination, selectView, { group: this.group, ...leaseRow(role) });
    return lease?.agentId ?? null;
  }

  async listPartitionLeases(filter: LeaseFilter, page: PageRequest): Promise<Page<LeaseView>> {
    const [name, partition] = decodeCursor(page, ['', -1], partitionNumberMax);
    const { topic, agentId, unleased = false } = filter;
    if (topic !== undefined && agentId === undefined && !unleased) {
      const from = name === topic ? partition : -1;
      return name > topic ? { items: [] } : this.listOfTopic(topic, from, page);
    }
    const rows = await this.db.all(selectPartitionViews, {
      group: this.group,
      topic: topic ?? null,
      agentId: agentId ?? null,
      unleased: unleased ? 1 : 0,
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

  private async listOfTopic(topic: string, after: number, page: PageRequest): Promise<Page<LeaseView>> {
    const { group } = this;
    const rows = await this.db.all(selectTopicLeases, { group, topic, after, limit: page.limit + 1 });
    const named = new Set(rows.flatMap(({ sessionId }) => sessionId ?? []));
    const sessions = [...named].map((sessionId) => ({ session_id: sessionId }));
    const holders = sessions.length === 0 ? [] : await this.db.all(selectHolders, { sessions });
    const bySession = new Map(holders.map((holder) => [holder.sessionId, holder]));
    const views = rows.map(({ partition, epoch, sessionId, acquiredAt }): LeaseView => {
      const key = partitionKey(topic, partition);
      const holder = sessionId === null ? undefined : bySession.get(sessionId);
      if (holder === undefined) {
        return { key, epoch, agentId: null, address: null, acquiredAt: null, expiresInMs: null };
      }
      const { agentId, address, expiresInMs } = holder;
      return { key, epoch, agentId, address, acquiredAt, expiresInMs };
    });
    return pageOf(views, page, ({ key }) => [leaseRow(key).name, leaseRow(key).partition]);
  }
}
