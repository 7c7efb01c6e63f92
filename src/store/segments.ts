// Port: the segments of a partition and its high watermark. Every write names the term it is made under; the fence is
// checked in the write's own statement or transaction, never before it.
import type { NewSegment, OffsetLocation, Segment } from '../domain/segment.ts';
import type { Partition } from '../domain/topic.ts';
import type { Page, PageRequest } from './page.ts';

/** Under which term a write is made: the writer's own session and the epoch it was granted. */
export interface Fence {
  readonly sessionId: string;
  readonly epoch: number;
}

export interface AppendAnswer {
  /** `already`: all of them were stored with the same content before; nothing was written. */
  readonly outcome: 'appended' | 'already';
  readonly segments: readonly Segment[];
  readonly highWatermark: number;
}

/** A part of a partition's log, with the log's ends as they were just before: what an index is made of. */
export interface LogPart {
  /** Of the topic: one that is created anew under the name has another. No number comes twice. */
  readonly topicId: number;
  readonly startOffset: number;
  readonly highWatermark: number;
  /** In offset order and none left out, from the last one that begins at or before the offset asked for. */
  readonly segments: readonly Segment[];
  /** Whether these are all that follow: what lies between them, and behind them below the high watermark, is a gap. */
  readonly isWhole: boolean;
}

export interface SegmentStore {
  /**
   * Appends segments, each continuing the one before it and the first at the high watermark, and advances the high
   * watermark behind the last, in one transaction. Idempotent by segment id: what is stored with the same content counts
   * as done, before the fence is asked. Refuses: `not_found`; `already_exists` (same id, other content);
   * `fenced` (the epoch is not current; `committed` tells whether all is stored all the same); `no_lease` (the epoch is
   * current and another holds it, or nobody); `session_lost`; `offset_gap`; `offset_overlap`; `invalid` (not contiguous).
   */
  appendSegments(
    fence: Fence,
    topic: string,
    partition: number,
    segments: readonly NewSegment[],
  ): Promise<AppendAnswer>;

  /**
   * Advances the high watermark without a segment. The same value again changes nothing; backwards is refused as
   * `conflict` with the current one. Fence as above.
   */
  advanceHighWatermark(fence: Fence, topic: string, partition: number, offset: number): Promise<Partition>;

  /** Segments whose end is at or behind `from`, in offset order. Refuses: `not_found`. */
  listSegments(topic: string, partition: number, from: number, page: PageRequest): Promise<Page<Segment>>;

  /** Where `offset` lies: a floor lookup by index. Refuses: `not_found`. */
  findSegment(topic: string, partition: number, offset: number): Promise<OffsetLocation>;

  /** The log's ends, and at most `limit` segments from `from` on. Refuses: `not_found`. */
  readLog(topic: string, partition: number, from: number, limit: number): Promise<LogPart>;

  /**
   * Deletes whole segments that end before `before`, the oldest first and at most `limit`, and moves the start offset
   * behind them. The high watermark stays. Answers what was removed, so that objects can be cleaned up; `more` when the
   * limit was reached. Refuses: `not_found`.
   */
  deleteSegmentsBefore(
    topic: string,
    partition: number,
    before: number,
    limit: number,
  ): Promise<{ readonly removed: readonly Segment[]; readonly more: boolean }>;
}
