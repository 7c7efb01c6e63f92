// Topics and partitions, in SQL that both backends understand.
import { sql } from 'drizzle-orm';
import { Refusal } from '../../domain/refusal.ts';
import type { NewTopic, Partition, Topic } from '../../domain/topic.ts';
import type { Page, PageRequest } from '../page.ts';
import type { TopicStore } from '../topics.ts';
import { raiseGeneration } from './agent-group.ts';
import { decodeCursor, pageOf, partitionNumberMax } from './cursor.ts';
import { ConstraintViolation, first, manyRows, type SqlDatabase, type SqlRunner } from './database.ts';
import type { Dialect } from './dialect.ts';
import { readBoolean, readJsonObject, readNumber, readNumberOrNull, readText, readTime } from './read.ts';
import { nothing, type Row, statement } from './statement.ts';

interface TopicRow extends Topic {
  readonly topicId: number;
}

type ByName = { group: string; name: string };

/** Without the table's alias: SQLite does not know it in RETURNING. */
function topicColumns(d: Dialect) {
  return sql`topic_id, name, partition_count, retention_ms, config, ${d.timeMs(sql`created_at`)} as created_at_ms`;
}

function readTopic(row: Row): TopicRow {
  return {
    topicId: readNumber(row, 'topic_id'),
    name: readText(row, 'name'),
    partitionCount: readNumber(row, 'partition_count'),
    retentionMs: readNumberOrNull(row, 'retention_ms'),
    config: readJsonObject(row, 'config'),
    createdAt: readTime(row, 'created_at_ms'),
  };
}

function readPartition(row: Row): Partition {
  return {
    topic: readText(row, 'topic'),
    partition: readNumber(row, 'partition'),
    highWatermark: readNumber(row, 'high_watermark'),
    startOffset: readNumber(row, 'start_offset'),
  };
}

const insertTopic = statement<
  { group: string; name: string; partitionCount: number; retentionMs: number | null; config: string },
  TopicRow
>(
  'insert_topic',
  (d) => sql`
    insert into ${d.table('topics')} (group_name, name, partition_count, retention_ms, config)
    values (${d.parameter('group', 'text')}, ${d.parameter('name', 'text')}, ${d.parameter('partitionCount', 'integer')},
      ${d.parameter('retentionMs', 'bigint')}, ${d.parameter('config', 'json')})
    returning ${topicColumns(d)}`,
  readTopic,
);

/** Partition numbers from `from` up to, not including, `to`. */
function numbers(d: Dialect) {
  return sql`with recursive numbers(n) as (
    select ${d.parameter('from', 'integer')}
    union all select n + 1 from numbers where n + 1 < ${d.parameter('to', 'integer')})`;
}

const insertPartitions = statement<{ topicId: number; from: number; to: number }>(
  'insert_partitions',
  (d) => sql`${numbers(d)} insert into ${d.table('partitions')} (topic_id, partition)
    select ${d.parameter('topicId', 'bigint')}, n from numbers`,
  nothing,
);

type LeaseRange = { group: string; name: string; from: number; to: number };

/** Nobody makes or removes leases of a name whose topic's row is ours: neither another creation nor a purge, which reserves the name first. */
const anyLease = statement<LeaseRange, boolean>(
  'any_lease_of_topic',
  (d) => sql`select exists (select 1 from ${d.table('leases')} l
    where l.group_name = ${d.parameter('group', 'text')} and l.kind = 'partition' and l.name = ${d.parameter('name', 'text')}
      and l.partition >= ${d.parameter('from', 'integer')} and l.partition < ${d.parameter('to', 'integer')}) as is_any`,
  (row) => readBoolean(row, 'is_any'),
);

/** Of a name that has none in the range. They start at the name's floor: a trigger. */
const insertFirstLeases = statement<LeaseRange>(
  'insert_first_leases',
  (d) => sql`${numbers(d)} insert into ${d.table('leases')} (group_name, kind, name, partition)
    select ${d.parameter('group', 'text')}, 'partition', ${d.parameter('name', 'text')}, n from numbers`,
  nothing,
);

/**
 * Leases that outlived an earlier topic of the name stay as they are, epochs above all. New ones start at the name's floor: a trigger. To
 * PostgreSQL each row that may conflict is two writes.
 */
const insertLeases = statement<LeaseRange>(
  'insert_leases',
  (d) => sql`${numbers(d)} insert into ${d.table('leases')} (group_name, kind, name, partition)
    select ${d.parameter('group', 'text')}, 'partition', ${d.parameter('name', 'text')}, n from numbers where true
    on conflict do nothing`,
  nothing,
);

const selectTopic = statement<ByName, TopicRow>(
  'select_topic',
  (d) => sql`select ${topicColumns(d)} from ${d.table('topics')} t
    where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('name', 'text')}`,
  readTopic,
);

const lockTopic = statement<ByName, TopicRow>(
  'lock_topic',
  (d) => sql`select ${topicColumns(d)} from ${d.table('topics')} t
    where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('name', 'text')}
    ${d.lock('update', 't')}`,
  readTopic,
);

const selectTopics = statement<{ group: string; after: string; limit: number }, TopicRow>(
  'select_topics',
  (d) => sql`select ${topicColumns(d)} from ${d.table('topics')} t
    where t.group_name = ${d.parameter('group', 'text')} and t.name > ${d.parameter('after', 'text')}
    order by t.name limit ${d.parameter('limit', 'bigint')}`,
  readTopic,
);

const growTopic = statement<{ topicId: number; partitionCount: number }, TopicRow>(
  'grow_topic',
  (
    d,
  ) => sql`update ${d.table('topics')} as t set partition_count = ${d.parameter('partitionCount', 'integer')}
    where t.topic_id = ${d.parameter('topicId', 'bigint')} returning ${topicColumns(d)}`,
  readTopic,
);

/** In key order, as every set of leases is locked, so that two of them never wait for each other. */
const lockTopicLeases = statement<ByName, string | null>(
  'lock_topic_leases',
  (d) => sql`select l.session_id as session_id from ${d.table('leases')} l
    where l.group_name = ${d.parameter('group', 'text')} and l.kind = 'partition' and l.name = ${d.parameter('name', 'text')}
    order by l.partition ${d.lock('update', 'l')}`,
  (row) => (row['session_id'] === null ? null : readText(row, 'session_id')),
);

const closeTopicTerms = statement<ByName>(
  'close_topic_terms',
  (d) => sql`update ${d.table('lease_history')} as h set ended_at = ${d.now}, end_reason = 'topic_deleted'
    where h.ended_at is null and h.group_name = ${d.parameter('group', 'text')} and h.kind = 'partition'
      and h.name = ${d.parameter('name', 'text')}`,
  nothing,
);

/** The bump fences the leader of the deleted topic from one re-created under its name. */
const vacateTopicLeases = statement<ByName>(
  'vacate_topic_leases',
  (d) => sql`update ${d.table('leases')} set session_id = null, acquired_at = null, epoch = epoch + 1
    where group_name = ${d.parameter('group', 'text')} and kind = 'partition' and name = ${d.parameter('name', 'text')}`,
  nothing,
);

const noteLostHoldings = statement<{ sessions: { session_id: string }[] }>(
  'note_lost_holdings',
  (d) => sql`with affected as (
      select s.session_id from ${d.rows('sessions', { session_id: 'uuid' })} as w
      cross join ${d.table('sessions')} s where s.session_id = w.session_id
      order by s.session_id ${d.lock('update', 's')})
    update ${d.table('sessions')} set holdings_version = holdings_version + 1
    where session_id in (select session_id from affected)`,
  nothing,
);

const deleteTopicRow = statement<{ topicId: number }>(
  'delete_topic',
  (d) => sql`delete from ${d.table('topics')} where topic_id = ${d.parameter('topicId', 'bigint')}`,
  nothing,
);

const selectPartition = statement<{ group: string; topic: string; partition: number }, Partition>(
  'select_partition',
  (d) => sql`select t.name as topic, p.partition, p.high_watermark, p.start_offset
    from ${d.table('topics')} t join ${d.table('partitions')} p on p.topic_id = t.topic_id
    where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')}
      and p.partition = ${d.parameter('partition', 'integer')}`,
  readPartition,
);

const selectPartitions = statement<
  { topicId: number; topic: string; after: number; limit: number },
  Partition
>(
  'select_partitions',
  (d) => sql`select ${d.parameter('topic', 'text')} as topic, p.partition, p.high_watermark, p.start_offset
    from ${d.table('partitions')} p
    where p.topic_id = ${d.parameter('topicId', 'bigint')} and p.partition > ${d.parameter('after', 'integer')}
    order by p.partition limit ${d.parameter('limit', 'bigint')}`,
  readPartition,
);

export function noSuchTopic(name: string): Refusal {
  return new Refusal('not_found', `topic "${name}" does not exist`);
}

export function noSuchPartition(topic: string, partition: number): Refusal {
  return new Refusal('not_found', `partition ${topic}/${partition} does not exist`);
}

function withoutId({ topicId: _, ...topic }: TopicRow): Topic {
  return topic;
}

export class SqlTopics implements TopicStore {
  private readonly db: SqlDatabase;
  private readonly group: string;

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  async createTopic(topic: NewTopic): Promise<Topic> {
    const { group } = this;
    const { name, partitionCount, retentionMs } = topic;
    try {
      const created = await this.db.transaction(async (tx) => {
        const config = JSON.stringify(topic.config);
        const created = await first(tx, insertTopic, { group, name, partitionCount, retentionMs, config });
        if (!created) throw new Error('an insert returned no row');
        await this.insertRange(tx, created, 0, partitionCount);
        await tx.all(raiseGeneration, { group });
        return withoutId(created);
      }, 'large');
      this.noteGrowth(partitionCount);
      return created;
    } catch (error) {
      if (error instanceof ConstraintViolation && error.kind === 'unique') {
        throw new Refusal('already_exists', `topic "${name}" exists already`);
      }
      throw error;
    }
  }

  async deleteTopic(name: string): Promise<void> {
    const { group } = this;
    await this.db.transaction(async (tx) => {
      const topic = await first(tx, lockTopic, { group, name });
      if (!topic) throw noSuchTopic(name);
      const holders = await tx.all(lockTopicLeases, { group, name });
      await tx.all(closeTopicTerms, { group, name });
      await tx.all(vacateTopicLeases, { group, name });
      await tx.all(deleteTopicRow, { topicId: topic.topicId });
      const sessions = [...new Set(holders)].filter((id) => id !== null).map((id) => ({ session_id: id }));
      if (sessions.length > 0) await tx.all(noteLostHoldings, { sessions });
      await tx.all(raiseGeneration, { group });
    }, 'large');
  }

  async getTopic(name: string): Promise<Topic | undefined> {
    const found = await first(this.db, selectTopic, { group: this.group, name });
    return found && withoutId(found);
  }

  async listTopics(page: PageRequest): Promise<Page<Topic>> {
    const [after] = decodeCursor(page, ['']);
    const rows = await this.db.all(selectTopics, { group: this.group, after, limit: page.limit + 1 });
    return pageOf(rows.map(withoutId), page, (topic) => [topic.name]);
  }

  async addPartitions(name: string, partitionCount: number): Promise<Topic> {
    const grown = await this.db.transaction(async (tx) => {
      const topic = await first(tx, lockTopic, { group: this.group, name });
      if (!topic) throw noSuchTopic(name);
      if (partitionCount < topic.partitionCount) {
        throw new Refusal(
          'conflict',
          `topic "${name}" has ${topic.partitionCount} partitions; they can be added to, never taken away`,
        );
      }
      if (partitionCount === topic.partitionCount) return withoutId(topic);
      const grown = await first(tx, growTopic, { topicId: topic.topicId, partitionCount });
      if (!grown) throw new Error('a locked topic vanished');
      await this.insertRange(tx, grown, topic.partitionCount, partitionCount);
      await tx.all(raiseGeneration, { group: this.group });
      return withoutId(grown);
    }, 'large');
    this.noteGrowth(partitionCount);
    return grown;
  }

  async getPartition(topic: string, partition: number): Promise<Partition | undefined> {
    return first(this.db, selectPartition, { group: this.group, topic, partition });
  }

  async listPartitions(topic: string, page: PageRequest): Promise<Page<Partition>> {
    const [after] = decodeCursor(page, [-1], partitionNumberMax);
    const found = await first(this.db, selectTopic, { group: this.group, name: topic });
    if (!found) throw noSuchTopic(topic);
    const range = { topicId: found.topicId, topic, after, limit: page.limit + 1 };
    return pageOf(await this.db.all(selectPartitions, range), page, (item) => [item.partition]);
  }

  /** The caller has nothing of it to wait for: a plan made meanwhile looks up by keys as well. */
  private noteGrowth(partitions: number): void {
    if (partitions >= manyRows) void this.db.refreshStatistics(['partitions', 'leases']);
  }

  private async insertRange(tx: SqlRunner, topic: TopicRow, from: number, to: number): Promise<void> {
    const range = { group: this.group, name: topic.name, from, to };
    const isAny = await first(tx, anyLease, range);
    await tx.all(isAny === false ? insertFirstLeases : insertLeases, range);
    await tx.all(insertPartitions, { topicId: topic.topicId, from, to });
  }
}
