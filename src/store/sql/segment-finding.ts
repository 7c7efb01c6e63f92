// Where an offset lies in a partition's log, in one statement: one round trip, and an answer of one moment.
import { sql } from 'drizzle-orm';
import type { OffsetLocation } from '../../domain/segment.ts';
import { first, type SqlDatabase } from './database.ts';
import { readNumber, readNumberOrNull } from './read.ts';
import { readStoredSegment, segmentColumns, type StoredSegment } from './segment-rows.ts';
import { statement } from './statement.ts';
import { noSuchPartition } from './topics.ts';

type Sought = { group: string; topic: string; partition: number; offset: number };

interface Surroundings {
  readonly highWatermark: number;
  readonly startOffset: number;
  /** The last segment that begins at the offset or before; null where none is looked for, outside the log. */
  readonly floor: StoredSegment | null;
  /** Where the next segment begins, if the floor ends before the offset. */
  readonly next: number | null;
}

/**
 * The partition stands in a part of its own, of which the rest takes values: so each look at the segments is one at their primary key in its
 * order, whatever PostgreSQL believes of the table, where a join invites it to read the whole partition in the order of ids. Outside the log
 * nothing is sought: a null as the bound ends both looks at once, where SQLite would try a condition on every row. All in a `select`, by
 * which SQLite knows a read.
 */
const selectSurroundings = statement<Sought, Surroundings>(
  'find_segment',
  (d) => sql`select found.* from (
    with place as materialized (
      select p.topic_id, p.high_watermark, p.start_offset,
        case when ${d.parameter('offset', 'bigint')} >= p.start_offset and ${d.parameter('offset', 'bigint')} < p.high_watermark
          then ${d.parameter('offset', 'bigint')} end as sought
      from ${d.table('topics')} t join ${d.table('partitions')} p on p.topic_id = t.topic_id
      where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')}
        and p.partition = ${d.parameter('partition', 'integer')})
    select place.high_watermark, place.start_offset, floor.*,
      case when coalesce(floor.end_offset < place.sought, true)
        then (select n.base_offset from ${d.table('segments')} n
          where n.topic_id = place.topic_id and n.partition = ${d.parameter('partition', 'integer')}
            and n.base_offset > place.sought
          order by n.base_offset limit 1) end as next_offset
    from place left join (
      select ${segmentColumns(d)} from ${d.table('segments')} s
      where s.topic_id = (select topic_id from place) and s.partition = ${d.parameter('partition', 'integer')}
        and s.base_offset <= (select sought from place)
      order by s.base_offset desc limit 1) as floor on true) as found`,
  (row) => ({
    highWatermark: readNumber(row, 'high_watermark'),
    startOffset: readNumber(row, 'start_offset'),
    floor: row['segment_id'] === null ? null : readStoredSegment(row),
    next: readNumberOrNull(row, 'next_offset'),
  }),
);

/** As `SegmentStore.findSegment`. */
export async function findSegment(db: SqlDatabase, sought: Sought): Promise<OffsetLocation> {
  const { topic, partition, offset } = sought;
  const found = await first(db, selectSurroundings, sought);
  if (found === undefined) throw noSuchPartition(topic, partition);
  const { highWatermark, startOffset, floor, next } = found;
  if (offset >= highWatermark) return { result: 'at_end', highWatermark };
  if (offset < startOffset) return { result: 'before_start', startOffset };
  if (floor && floor.endOffset >= offset) return { result: 'found', segment: { ...floor, topic } };
  return { result: 'gap', next: next ?? highWatermark };
}
