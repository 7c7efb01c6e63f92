// A part of a partition's log as an index reads it: its ends first, so that what was read of the segments afterwards leaves nothing out.
import { sql } from 'drizzle-orm';
import type { LogPart } from '../segments.ts';
import { first, type SqlDatabase } from './database.ts';
import { readNumber } from './read.ts';
import { readStoredSegment, segmentColumns, type StoredSegment } from './segment-rows.ts';
import { statement } from './statement.ts';
import { noSuchPartition } from './topics.ts';

type PartitionName = { group: string; topic: string; partition: number };

const selectLogEnds = statement<PartitionName, Omit<LogPart, 'segments' | 'isWhole'>>(
  'select_log_ends',
  (d) => sql`select p.topic_id, p.high_watermark, p.start_offset
    from ${d.table('topics')} t join ${d.table('partitions')} p on p.topic_id = t.topic_id
    where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')}
      and p.partition = ${d.parameter('partition', 'integer')}`,
  (row) => ({
    topicId: readNumber(row, 'topic_id'),
    highWatermark: readNumber(row, 'high_watermark'),
    startOffset: readNumber(row, 'start_offset'),
  }),
);

const selectLogPart = statement<
  { topicId: number; partition: number; from: number; limit: number },
  StoredSegment
>(
  'select_log_part',
  (d) => sql`select ${segmentColumns(d)} from ${d.table('segments')} s
    where s.topic_id = ${d.parameter('topicId', 'bigint')} and s.partition = ${d.parameter('partition', 'integer')}
      and s.base_offset >= coalesce((select max(f.base_offset) from ${d.table('segments')} f
        where f.topic_id = ${d.parameter('topicId', 'bigint')} and f.partition = ${d.parameter('partition', 'integer')}
          and f.base_offset <= ${d.parameter('from', 'bigint')}), ${d.parameter('from', 'bigint')})
    order by s.base_offset limit ${d.parameter('limit', 'bigint')}`,
  readStoredSegment,
);

/** As `SegmentStore.readLog`. Nothing is read of segments where nothing can follow. */
export async function readLog(
  db: SqlDatabase,
  name: PartitionName,
  from: number,
  limit: number,
): Promise<LogPart> {
  const { topic, partition } = name;
  const ends = await first(db, selectLogEnds, name);
  if (ends === undefined) throw noSuchPartition(topic, partition);
  if (from >= ends.highWatermark) return { ...ends, segments: [], isWhole: true };
  const rows = await db.all(selectLogPart, { topicId: ends.topicId, partition, from, limit });
  const segments = rows.map((row) => ({ ...row, topic }));
  return { ...ends, segments, isWhole: segments.length < limit };
}
