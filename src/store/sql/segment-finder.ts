// Where an offset lies among a partition's segments: one statement, whatever there are of them.
import { sql } from 'drizzle-orm';
import type { OffsetLocation } from '../../domain/segment.ts';
import type { SegmentStore } from '../segments.ts';
import { first, type SqlDatabase } from './database.ts';
import { readNumber, readNumberOrNull } from './read.ts';
import { readStoredSegment, type StoredSegment } from './segments.ts';
import { statement } from './statement.ts';
import { noSuchPartition } from './topics.ts';

/** What there is at `offset`: the segment with the greatest base offset up to it, and where that does not reach it, the base offset that follows. */
interface Surroundings {
  readonly highWatermark: number;
  readonly startOffset: number;
  readonly floor: StoredSegment | undefined;
  readonly next: number | null;
}

/** One look, in one snapshot: each of its parts is found by key. Behind the end nothing is looked for. */
const selectSurroundings = statement<
  { group: string; topic: string; partition: number; offset: number },
  Surroundings
>(
  'select_offset_surroundings',
  (d) => {
    const offset = d.parameter('offset', 'bigint');
    return sql`select p.high_watermark, p.start_offset, s.partition, s.base_offset, s.end_offset, s.segment_id,
      s.record_count, s.size_bytes, s.bucket, s.object_key, s.epoch, ${d.timeMs(sql`s.created_at`)} as created_at_ms,
      case when ${offset} < p.high_watermark and coalesce(s.end_offset < ${offset}, true) then (
        select min(n.base_offset) from ${d.table('segments')} n
        where n.topic_id = p.topic_id and n.partition = p.partition and n.base_offset >= ${offset}) end as next_base
    from ${d.table('topics')} t
    join ${d.table('partitions')} p on p.topic_id = t.topic_id
    left join ${d.table('segments')} s on s.topic_id = p.topic_id and s.partition = p.partition
      and ${offset} < p.high_watermark and s.base_offset = (
        select max(f.base_offset) from ${d.table('segments')} f
        where f.topic_id = p.topic_id and f.partition = p.partition and f.base_offset <= ${offset})
    where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')}
      and p.partition = ${d.parameter('partition', 'integer')}`;
  },
  (row) => ({
    highWatermark: readNumber(row, 'high_watermark'),
    startOffset: readNumber(row, 'start_offset'),
    floor: row['base_offset'] === null ? undefined : readStoredSegment(row),
    next: readNumberOrNull(row, 'next_base'),
  }),
);

export class SqlSegmentFinder implements Pick<SegmentStore, 'findSegment'> {
  private readonly db: SqlDatabase;
  private readonly group: string;

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  async findSegment(topic: string, partition: number, offset: number): Promise<OffsetLocation> {
    const { group } = this;
    const found = await first(this.db, selectSurroundings, { group, topic, partition, offset });
    if (!found) throw noSuchPartition(topic, partition);
    const { highWatermark, startOffset, floor, next } = found;
    if (offset >= highWatermark) return { result: 'at_end', highWatermark };
    if (offset < startOffset) return { result: 'before_start', startOffset };
    if (floor && floor.endOffset >= offset) return { result: 'found', segment: { ...floor, topic } };
    return { result: 'gap', next: next ?? highWatermark };
  }
}
