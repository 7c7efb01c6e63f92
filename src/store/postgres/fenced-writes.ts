// The writes that a lease's epoch guards, one statement and one round trip each: the lease's row is held at its epoch until the
// commit (a takeover skips it meanwhile), then the partition's row is compared and set.
import { sql } from 'drizzle-orm';
import type { NewSegment, Segment } from '../../domain/segment.ts';
import type { Partition } from '../../domain/topic.ts';
import type { SqlDatabase } from '../sql/database.ts';
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
import { appendTogether } from './joined-appends.ts';

/** FOR NO KEY UPDATE, not FOR SHARE: overlapping sharers would starve a takeover that waits for the row. */
function fence(d: Dialect) {
  return sql`fence as materialized (${leaseUnderFence(d)} for no key update of l)`;
}

function target(d: Dialect) {
  return sql`t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')}
    and p.topic_id = t.topic_id and p.partition = ${d.parameter('partition', 'integer')}
    and exists (select 1 from fence)`;
}

const append = statement<
  FenceParameters & { base: number; next: number; segments: SegmentRow[] },
  StoredSegment
>(
  'append_segments',
  (d) => sql`
    with ${fence(d)}, moved as (
      update ${d.table('partitions')} p set high_watermark = ${d.parameter('next', 'bigint')}
      from ${d.table('topics')} t
      where ${target(d)} and p.high_watermark = ${d.parameter('base', 'bigint')}
      returning p.topic_id, p.partition
    )
    insert into ${d.table('segments')} (topic_id, partition, epoch, ${insertedSegmentColumns})
    select m.topic_id, m.partition, ${d.parameter('epoch', 'bigint')}, w.*
    from moved m cross join ${d.rows('segments', segmentRowColumns)} as w
    returning ${segmentColumns(d)}`,
  readStoredSegment,
);

const advance = statement<
  FenceParameters & { offset: number },
  { highWatermark: number; startOffset: number }
>(
  'advance_high_watermark',
  (d) => sql`
    with ${fence(d)}
    update ${d.table('partitions')} p set high_watermark = ${d.parameter('offset', 'bigint')}
    from ${d.table('topics')} t
    where ${target(d)} and p.high_watermark <= ${d.parameter('offset', 'bigint')}
    returning p.high_watermark, p.start_offset`,
  (row) => ({
    highWatermark: readNumber(row, 'high_watermark'),
    startOffset: readNumber(row, 'start_offset'),
  }),
);

export class PostgresFencedWrites implements FencedWrites {
  private readonly db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.db = db;
  }

  async append(
    target: FencedTarget,
    segments: readonly NewSegment[],
  ): Promise<readonly Segment[] | undefined> {
    const base = segments[0]?.baseOffset ?? 0;
    const next = (segments.at(-1)?.endOffset ?? 0) + 1;
    const rows = segments.map(segmentRow);
    const stored = await this.db.all(append, { ...fenceParameters(target), base, next, segments: rows });
    return stored.length === 0 ? undefined : stored.map((row) => ({ ...row, topic: target.topic }));
  }

  async appendTogether(
    appends: readonly FencedAppend[],
  ): Promise<readonly (readonly Segment[] | undefined)[]> {
    return appendTogether(this.db, appends);
  }

  async advance(target: FencedTarget, offset: number): Promise<Partition | undefined> {
    const [row] = await this.db.all(advance, { ...fenceParameters(target), offset });
    return row && { topic: target.topic, partition: target.partition, ...row };
  }
}
