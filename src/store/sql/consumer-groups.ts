// Consumer groups and committed offsets, in SQL that both backends understand.
import { sql } from 'drizzle-orm';
import { Refusal } from '../../domain/refusal.ts';
import type { CommittedOffset, ConsumerGroup, ConsumerGroupStore, OffsetCommit } from '../consumer-groups.ts';
import type { Page, PageRequest } from '../page.ts';
import { decodeCursor, pageOf, partitionNumberMax } from './cursor.ts';
import { first, type SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import type { StoreJoining } from './joining.ts';
import { OffsetCommits } from './offset-commits.ts';
import type { OffsetWrites } from './offset-writes.ts';
import { readNumber, readText, readTextOrNull, readTime } from './read.ts';
import { type Row, statement } from './statement.ts';

type InGroup = { group: string; consumerGroup: string };

function groupIs(d: Dialect, alias: string) {
  const a = sql.raw(alias);
  return sql`${a}.group_name = ${d.parameter('group', 'text')} and ${a}.consumer_group = ${d.parameter('consumerGroup', 'text')}`;
}

const insertGroup = statement<InGroup, true>(
  'insert_consumer_group',
  (d) => sql`insert into ${d.table('consumer_groups')} (group_name, consumer_group)
    values (${d.parameter('group', 'text')}, ${d.parameter('consumerGroup', 'text')})
    on conflict do nothing returning 1 as created`,
  () => true,
);

function readGroup(row: Row): ConsumerGroup {
  return { consumerGroup: readText(row, 'consumer_group'), createdAt: readTime(row, 'created_at_ms') };
}

const selectGroup = statement<InGroup, ConsumerGroup>(
  'select_consumer_group',
  (d) => sql`select g.consumer_group, ${d.timeMs(sql`g.created_at`)} as created_at_ms
    from ${d.table('consumer_groups')} g where ${groupIs(d, 'g')}`,
  readGroup,
);

const selectGroups = statement<{ group: string; after: string; limit: number }, ConsumerGroup>(
  'select_consumer_groups',
  (d) => sql`select g.consumer_group, ${d.timeMs(sql`g.created_at`)} as created_at_ms
    from ${d.table('consumer_groups')} g
    where g.group_name = ${d.parameter('group', 'text')} and g.consumer_group > ${d.parameter('after', 'text')}
    order by g.consumer_group limit ${d.parameter('limit', 'bigint')}`,
  readGroup,
);

const deleteGroup = statement<InGroup, true>(
  'delete_consumer_group',
  (d) => sql`delete from ${d.table('consumer_groups')} as g where ${groupIs(d, 'g')} returning 1 as deleted`,
  () => true,
);

function offsetColumns(d: Dialect) {
  return sql`o.consumer_group, t.name as topic, o.partition, o.committed_offset, o.metadata,
    ${d.timeMs(sql`o.committed_at`)} as committed_at_ms`;
}

function readOffset(row: Row): CommittedOffset {
  return {
    consumerGroup: readText(row, 'consumer_group'),
    topic: readText(row, 'topic'),
    partition: readNumber(row, 'partition'),
    offset: readNumber(row, 'committed_offset'),
    metadata: readTextOrNull(row, 'metadata'),
    committedAt: readTime(row, 'committed_at_ms'),
  };
}

type PartitionRow = { topic: string; partition: number };

const selectOffsetsOf = statement<InGroup & { partitions: PartitionRow[] }, CommittedOffset>(
  'select_committed_offsets_of',
  (d) => sql`select ${offsetColumns(d)}
    from ${d.rows('partitions', { topic: 'text', partition: 'integer' })} as w
    cross join ${d.table('topics')} t cross join ${d.table('committed_offsets')} o
    where t.group_name = ${d.parameter('group', 'text')} and t.name = w.topic
      and ${groupIs(d, 'o')} and o.topic_id = t.topic_id and o.partition = w.partition
    order by t.name, o.partition`,
  readOffset,
);

const selectOffsets = statement<
  InGroup & { topic: string; partition: number; limit: number },
  CommittedOffset
>(
  'select_committed_offsets',
  (d) => sql`select ${offsetColumns(d)}
    from ${d.table('committed_offsets')} o join ${d.table('topics')} t on t.topic_id = o.topic_id
    where ${groupIs(d, 'o')}
      and (t.name, o.partition) > (${d.parameter('topic', 'text')}, ${d.parameter('partition', 'integer')})
    order by t.name, o.partition limit ${d.parameter('limit', 'bigint')}`,
  readOffset,
);

export class SqlConsumerGroups implements ConsumerGroupStore {
  private readonly db: SqlDatabase;
  private readonly group: string;
  private readonly offsetCommits: OffsetCommits;

  constructor(db: SqlDatabase, writes: OffsetWrites, joining: StoreJoining, group: string) {
    this.db = db;
    this.group = group;
    this.offsetCommits = new OffsetCommits(writes, joining, group);
  }

  async ensureConsumerGroup(consumerGroup: string): Promise<boolean> {
    return (await first(this.db, insertGroup, { group: this.group, consumerGroup })) === true;
  }

  async getConsumerGroup(consumerGroup: string): Promise<ConsumerGroup | undefined> {
    return first(this.db, selectGroup, { group: this.group, consumerGroup });
  }

  async listConsumerGroups(page: PageRequest): Promise<Page<ConsumerGroup>> {
    const [after] = decodeCursor(page, ['']);
    const rows = await this.db.all(selectGroups, { group: this.group, after, limit: page.limit + 1 });
    return pageOf(rows, page, (item) => [item.consumerGroup]);
  }

  async commitOffsets(
    consumerGroup: string,
    commits: readonly OffsetCommit[],
  ): Promise<readonly CommittedOffset[]> {
    if (commits.length > 0) return this.offsetCommits.commit(consumerGroup, commits);
    await this.ensureConsumerGroup(consumerGroup);
    return [];
  }

  async getCommittedOffset(
    consumerGroup: string,
    topic: string,
    partition: number,
  ): Promise<CommittedOffset | undefined> {
    return first(this.db, selectOffsetsOf, {
      group: this.group,
      consumerGroup,
      partitions: [{ topic, partition }],
    });
  }

  async listCommittedOffsets(consumerGroup: string, page: PageRequest): Promise<Page<CommittedOffset>> {
    const scope = { group: this.group, consumerGroup };
    const [topic, partition] = decodeCursor(page, ['', -1], partitionNumberMax);
    if (!(await first(this.db, selectGroup, scope))) throw noSuchGroup(consumerGroup);
    const rows = await this.db.all(selectOffsets, { ...scope, topic, partition, limit: page.limit + 1 });
    return pageOf(rows, page, (item) => [item.topic, item.partition]);
  }

  async deleteConsumerGroup(consumerGroup: string): Promise<void> {
    const deleted = await first(this.db, deleteGroup, { group: this.group, consumerGroup });
    if (!deleted) throw noSuchGroup(consumerGroup);
  }
}

function noSuchGroup(consumerGroup: string): Refusal {
  return new Refusal('not_found', `consumer group "${consumerGroup}" does not exist`);
}
