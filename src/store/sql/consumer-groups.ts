// Consumer groups and committed offsets, in SQL that both backends understand.
import { sql } from 'drizzle-orm';
import { Refusal } from '../../domain/refusal.ts';
import type { CommittedOffset, ConsumerGroup, ConsumerGroupStore, OffsetCommit } from '../consumer-groups.ts';
import type { Page, PageRequest } from '../page.ts';
import { decodeCursor, pageOf, partitionNumberMax } from './cursor.ts';
import { ConstraintViolation, first, type SqlDatabase, type SqlRunner } from './database.ts';
import type { Dialect } from './dialect.ts';
import { readNumber, readText, readTextOrNull, readTime } from './read.ts';
import { type Row, statement } from './statement.ts';
import { noSuchPartition } from './topics.ts';

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

const commitColumns = { topic: 'text', partition: 'integer', committed: 'bigint', metadata: 'text' } as const;

type CommitRow = { topic: string; partition: number; committed: number; metadata: string | null };

/** Compares with the high watermark in the write itself: what is beyond it is left out, and found missing. */
const upsertOffsets = statement<InGroup & { commits: CommitRow[] }, { topicId: number; partition: number }>(
  'upsert_committed_offsets',
  (d) => sql`insert into ${d.table('committed_offsets')}
      (group_name, consumer_group, topic_id, partition, committed_offset, metadata, committed_at)
    select ${d.parameter('group', 'text')}, ${d.parameter('consumerGroup', 'text')}, p.topic_id, p.partition,
      c.committed, c.metadata, ${d.now}
    from ${d.rows('commits', commitColumns)} as c
    cross join ${d.table('topics')} t cross join ${d.table('partitions')} p
    where t.group_name = ${d.parameter('group', 'text')} and t.name = c.topic
      and p.topic_id = t.topic_id and p.partition = c.partition and c.committed <= p.high_watermark
    order by p.topic_id, p.partition
    on conflict (group_name, consumer_group, topic_id, partition) do update
      set committed_offset = excluded.committed_offset, metadata = excluded.metadata, committed_at = excluded.committed_at
    returning topic_id, partition`,
  (row) => ({ topicId: readNumber(row, 'topic_id'), partition: readNumber(row, 'partition') }),
);

const selectLimits = statement<
  { group: string; commits: CommitRow[] },
  { topic: string; partition: number; highWatermark: number }
>(
  'select_commit_limits',
  (d) => sql`select c.topic, c.partition, p.high_watermark from ${d.rows('commits', commitColumns)} as c
    cross join ${d.table('topics')} t cross join ${d.table('partitions')} p
    where t.group_name = ${d.parameter('group', 'text')} and t.name = c.topic
      and p.topic_id = t.topic_id and p.partition = c.partition`,
  (row) => ({
    topic: readText(row, 'topic'),
    partition: readNumber(row, 'partition'),
    highWatermark: readNumber(row, 'high_watermark'),
  }),
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

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
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
    const scope = { group: this.group, consumerGroup };
    const distinct = new Map(commits.map((commit) => [`${commit.topic}/${commit.partition}`, commit]));
    const rows = [...distinct.values()].map(({ topic, partition, offset, metadata }): CommitRow => ({
      topic,
      partition,
      committed: offset,
      metadata,
    }));
    const commit = () =>
      this.db.transaction(async (tx) => {
        await tx.all(insertGroup, scope);
        const written = await tx.all(upsertOffsets, { ...scope, commits: rows });
        if (written.length < rows.length) await this.refuseCommit(tx, rows);
        const partitions = rows.map(({ topic, partition }) => ({ topic, partition }));
        return tx.all(selectOffsetsOf, { ...scope, partitions });
      });
    try {
      return await commit();
    } catch (error) {
      // The topic or the group was deleted between our join and the foreign key's check; now the join tells.
      if (error instanceof ConstraintViolation && error.kind === 'foreign_key') return commit();
      throw error;
    }
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

  /** Finds which commit could not be written, and throws: nothing of the batch is kept. */
  private async refuseCommit(tx: SqlRunner, commits: readonly CommitRow[]): Promise<never> {
    const limits = await tx.all(selectLimits, { group: this.group, commits: [...commits] });
    const known = new Map(limits.map((limit) => [`${limit.topic}/${limit.partition}`, limit.highWatermark]));
    for (const { topic, partition, committed } of commits) {
      const highWatermark = known.get(`${topic}/${partition}`);
      if (highWatermark === undefined) throw noSuchPartition(topic, partition);
      if (committed > highWatermark) {
        throw new Refusal(
          'conflict',
          `offset ${committed} lies beyond the high watermark ${highWatermark} of ${topic}/${partition}`,
          { highWatermark },
        );
      }
    }
    throw new Refusal('conflict', 'a partition changed while its offset was committed; ask again');
  }
}

function noSuchGroup(consumerGroup: string): Refusal {
  return new Refusal('not_found', `consumer group "${consumerGroup}" does not exist`);
}
