// The writes that a lease's epoch guards. The transaction has the file to itself, so the lease stays as the fence found it until
// the commit; what is left is to compare, and to set the partition's one row.
import { sql } from 'drizzle-orm';
import type { NewSegment, Segment } from '../../domain/segment.ts';
import type { Partition } from '../../domain/topic.ts';
import { first, type SqlDatabase, type SqlRunner } from '../sql/database.ts';
import type { Dialect } from '../sql/dialect.ts';
import {
  type FencedAppend,
  type FencedTarget,
  type FencedWrites,
  fenceParameters,
  type FenceParameters,
  leaseUnderFence,
} from '../sql/fence.ts';
import { readNumber } from '../sql/read.ts';
import {
  insertedSegmentColumns,
  readStoredSegment,
  segmentColumns,
  segmentRow,
  type SegmentRow,
  segmentRowColumns,
  type StoredSegment,
} from '../sql/segment-rows.ts';
import { statement } from '../sql/statement.ts';

/** The partition's row, under the fence. */
function target(d: Dialect) {
  return sql`p.partition = ${d.parameter('partition', 'integer')}
    and p.topic_id = (select t.topic_id from ${d.table('topics')} t
      where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')})
    and exists (${leaseUnderFence(d)})`;
}

const moveHighWatermark = statement<FenceParameters & { base: number; next: number }, number>(
  'move_high_watermark',
  (d) => sql`update ${d.table('partitions')} as p set high_watermark = ${d.parameter('next', 'bigint')}
    where ${target(d)} and p.high_watermark = ${d.parameter('base', 'bigint')}
    returning topic_id`,
  (row) => readNumber(row, 'topic_id'),
);

const insertSegments = statement<
  { topicId: number; partition: number; epoch: number; segments: SegmentRow[] },
  StoredSegment
>(
  'insert_segments',
  (d) => sql`insert into ${d.table('segments')} (topic_id, partition, epoch, ${insertedSegmentColumns})
    select ${d.parameter('topicId', 'bigint')}, ${d.parameter('partition', 'integer')}, ${d.parameter('epoch', 'bigint')}, w.*
    from ${d.rows('segments', segmentRowColumns)} as w
    returning ${segmentColumns(d)}`,
  readStoredSegment,
);

const advance = statement<
  FenceParameters & { offset: number },
  { highWatermark: number; startOffset: number }
>(
  'advance_high_watermark',
  (d) => sql`update ${d.table('partitions')} as p set high_watermark = ${d.parameter('offset', 'bigint')}
    where ${target(d)} and p.high_watermark <= ${d.parameter('offset', 'bigint')}
    returning high_watermark, start_offset`,
  (row) => ({
    highWatermark: readNumber(row, 'high_watermark'),
    startOffset: readNumber(row, 'start_offset'),
  }),
);

export class SqliteFencedWrites implements FencedWrites {
  private readonly db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.db = db;
  }

  async append(
    target: FencedTarget,
    segments: readonly NewSegment[],
  ): Promise<readonly Segment[] | undefined> {
    return this.db.transaction((tx) => appendIn(tx, target, segments));
  }

  async appendTogether(
    appends: readonly FencedAppend[],
  ): Promise<readonly (readonly Segment[] | undefined)[]> {
    return this.db.transaction(async (tx) => {
      const answers: (readonly Segment[] | undefined)[] = [];
      for (const { target, segments } of appends) answers.push(await appendIn(tx, target, segments));
      return answers;
    });
  }

  async advance(target: FencedTarget, offset: number): Promise<Partition | undefined> {
    const [row] = await this.db.all(advance, { ...fenceParameters(target), offset });
    return row && { topic: target.topic, partition: target.partition, ...row };
  }
}

async function appendIn(
  tx: SqlRunner,
  target: FencedTarget,
  segments: readonly NewSegment[],
): Promise<readonly Segment[] | undefined> {
  const { topic, partition } = target;
  const { epoch } = target.fence;
  const base = segments[0]?.baseOffset ?? 0;
  const next = (segments.at(-1)?.endOffset ?? 0) + 1;
  const topicId = await first(tx, moveHighWatermark, { ...fenceParameters(target), base, next });
  if (topicId === undefined) return undefined;
  const rows = segments.map(segmentRow);
  const stored = await tx.all(insertSegments, { topicId, partition, epoch, segments: rows });
  return stored.map((row) => ({ ...row, topic }));
}
