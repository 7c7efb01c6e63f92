// How segments stand in rows and parameters.
import { type SQL, sql } from 'drizzle-orm';
import type { NewSegment, Segment } from '../../domain/segment.ts';
import type { Dialect } from './dialect.ts';
import { readNumber, readText, readTime } from './read.ts';
import type { Row } from './statement.ts';

/** Without the table's alias: SQLite does not know it in RETURNING. */
export function segmentColumns(d: Dialect): SQL {
  return sql`partition, base_offset, end_offset, segment_id, record_count, size_bytes, bucket, object_key, epoch,
    ${d.timeMs(sql`created_at`)} as created_at_ms`;
}

export type StoredSegment = Omit<Segment, 'topic'>;

export function readStoredSegment(row: Row): StoredSegment {
  return {
    id: readText(row, 'segment_id'),
    partition: readNumber(row, 'partition'),
    baseOffset: readNumber(row, 'base_offset'),
    endOffset: readNumber(row, 'end_offset'),
    recordCount: readNumber(row, 'record_count'),
    sizeBytes: readNumber(row, 'size_bytes'),
    bucket: readText(row, 'bucket'),
    key: readText(row, 'object_key'),
    epoch: readNumber(row, 'epoch'),
    createdAt: readTime(row, 'created_at_ms'),
  };
}

/** The columns of a new segment, in the order of `segmentRow`. */
export const segmentRowColumns = {
  base_offset: 'bigint',
  end_offset: 'bigint',
  segment_id: 'text',
  record_count: 'bigint',
  size_bytes: 'bigint',
  bucket: 'text',
  object_key: 'text',
} as const;

export type SegmentRow = { [column in keyof typeof segmentRowColumns]: string | number };

export const insertedSegmentColumns = sql.raw(Object.keys(segmentRowColumns).join(', '));

export function segmentRow(segment: NewSegment): SegmentRow {
  return {
    base_offset: segment.baseOffset,
    end_offset: segment.endOffset,
    segment_id: segment.id,
    record_count: segment.recordCount,
    size_bytes: segment.sizeBytes,
    bucket: segment.bucket,
    object_key: segment.key,
  };
}

export type InPartition = { topicId: number; partition: number };

export function inPartition(d: Dialect): SQL {
  return sql`s.topic_id = ${d.parameter('topicId', 'bigint')} and s.partition = ${d.parameter('partition', 'integer')}`;
}
