// Segments and high watermarks: the reads, and what a fenced write means when it did not go through. The fenced write
// itself is each backend's own statement (`FencedWrites`).
import { sql } from 'drizzle-orm';
import { Refusal, type RefusalFacts } from '../../domain/refusal.ts';
import {
  firstDiscontinuity,
  type NewSegment,
  type OffsetLocation,
  sameSegment,
  type Segment,
} from '../../domain/segment.ts';
import type { Partition } from '../../domain/topic.ts';
import type { Page, PageRequest } from '../page.ts';
import type { AppendAnswer, Fence, SegmentStore } from '../segments.ts';
import { decodeCursor, pageOf } from './cursor.ts';
import { ConstraintViolation, first, type SqlDatabase } from './database.ts';
import type { EraWatch } from './era-watch.ts';
import type { Dialect } from './dialect.ts';
import type { FencedTarget, FencedWrites } from './fence.ts';
import { readBoolean, readNumber, readText, readTextOrNull, readTime } from './read.ts';
import { type Row, statement } from './statement.ts';
import { noSuchPartition } from './topics.ts';

/** Without the table's alias: SQLite does not know it in RETURNING. */
export function segmentColumns(d: Dialect) {
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

interface PartitionState {
  readonly topicId: number;
  readonly highWatermark: number;
  readonly startOffset: number;
  readonly epoch: number;
  /** The session the lease names, whether or not it lives. */
  readonly sessionId: string | null;
  readonly sessionLive: boolean;
  readonly holder: string | null;
}

type PartitionName = { group: string; topic: string; partition: number };

const selectPartitionState = statement<PartitionName, PartitionState>(
  'select_partition_state',
  (d) => sql`select p.topic_id, p.high_watermark, p.start_offset, l.epoch, l.session_id,
      s.session_id is not null as session_live, s.agent_id
    from ${d.table('topics')} t
    join ${d.table('partitions')} p on p.topic_id = t.topic_id
    join ${d.table('leases')} l on l.group_name = t.group_name and l.kind = 'partition' and l.name = t.name
      and l.partition = p.partition
    left join ${d.table('sessions')} s on s.session_id = l.session_id and s.ended_at is null
    where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')}
      and p.partition = ${d.parameter('partition', 'integer')}`,
  (row) => ({
    topicId: readNumber(row, 'topic_id'),
    highWatermark: readNumber(row, 'high_watermark'),
    startOffset: readNumber(row, 'start_offset'),
    epoch: readNumber(row, 'epoch'),
    sessionId: readTextOrNull(row, 'session_id'),
    sessionLive: readBoolean(row, 'session_live'),
    holder: readTextOrNull(row, 'agent_id'),
  }),
);

type InPartition = { topicId: number; partition: number };

function inPartition(d: Dialect) {
  return sql`s.topic_id = ${d.parameter('topicId', 'bigint')} and s.partition = ${d.parameter('partition', 'integer')}`;
}

const selectSegmentsById = statement<InPartition & { ids: { id: string }[] }, StoredSegment>(
  'select_segments_by_id',
  (d) => sql`select ${segmentColumns(d)} from ${d.table('segments')} s
    where ${inPartition(d)} and s.segment_id in (select id from ${d.rows('ids', { id: 'text' })} as w)`,
  readStoredSegment,
);

const selectFloor = statement<InPartition & { offset: number }, StoredSegment>(
  'select_segment_floor',
  (d) => sql`select ${segmentColumns(d)} from ${d.table('segments')} s
    where ${inPartition(d)} and s.base_offset <= ${d.parameter('offset', 'bigint')}
    order by s.base_offset desc limit 1`,
  readStoredSegment,
);

const selectFollowing = statement<InPartition & { from: number; limit: number }, StoredSegment>(
  'select_segments_following',
  (d) => sql`select ${segmentColumns(d)} from ${d.table('segments')} s
    where ${inPartition(d)} and s.base_offset >= ${d.parameter('from', 'bigint')}
    order by s.base_offset limit ${d.parameter('limit', 'bigint')}`,
  readStoredSegment,
);

const lockPartition = statement<PartitionName, { topicId: number; startOffset: number }>(
  'lock_partition',
  (d) => sql`select p.topic_id, p.start_offset from ${d.table('topics')} t
    join ${d.table('partitions')} p on p.topic_id = t.topic_id
    where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')}
      and p.partition = ${d.parameter('partition', 'integer')}
    ${d.lock('no key update', 'p')}`,
  (row) => ({ topicId: readNumber(row, 'topic_id'), startOffset: readNumber(row, 'start_offset') }),
);

/** Segments never overlap, so the oldest `limit` by base offset that end before `before` are a prefix. */
const deleteOldest = statement<InPartition & { before: number; limit: number }, StoredSegment>(
  'delete_oldest_segments',
  (d) => sql`delete from ${d.table('segments')} as s
    where ${inPartition(d)} and s.base_offset in (
      select o.base_offset from ${d.table('segments')} o
      where o.topic_id = ${d.parameter('topicId', 'bigint')} and o.partition = ${d.parameter('partition', 'integer')}
        and o.base_offset < ${d.parameter('before', 'bigint')} and o.end_offset < ${d.parameter('before', 'bigint')}
      order by o.base_offset limit ${d.parameter('limit', 'bigint')})
    returning ${segmentColumns(d)}`,
  readStoredSegment,
);

const moveStart = statement<InPartition & { startOffset: number }, number>(
  'move_start_offset',
  (d) => sql`update ${d.table('partitions')} as s set start_offset = ${d.parameter('startOffset', 'bigint')}
    where ${inPartition(d)} returning start_offset`,
  (row) => readNumber(row, 'start_offset'),
);

/** How often a write is tried again when what refused it has changed before the reason could be read. */
const attemptsMax = 5;

export class SqlSegments implements Omit<SegmentStore, 'readLog'> {
  private readonly db: SqlDatabase;
  private readonly writes: FencedWrites;
  private readonly eras: EraWatch;
  private readonly group: string;

  constructor(db: SqlDatabase, writes: FencedWrites, eras: EraWatch, group: string) {
    this.db = db;
    this.writes = writes;
    this.eras = eras;
    this.group = group;
  }

  async appendSegments(
    fence: Fence,
    topic: string,
    partition: number,
    segments: readonly NewSegment[],
  ): Promise<AppendAnswer> {
    const last = segments.at(-1);
    // Before anything is written: an empty run has no place in the partition.
    if (last === undefined) throw new Refusal('invalid', 'there is no segment in the request');
    const broken = firstDiscontinuity(segments);
    if (broken !== undefined) {
      throw new Refusal('invalid', `segment ${broken} of the request does not continue the one before it`);
    }
    const ids = new Set(segments.map((segment) => segment.id));
    if (ids.size !== segments.length)
      throw new Refusal('invalid', 'a segment id stands twice in the request');
    const target = { group: this.group, topic, partition, fence };
    let pending = segments;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const appended = await this.tryAppend(target, pending);
      if (appended && pending === segments) {
        return { outcome: 'appended', segments: appended, highWatermark: last.endOffset + 1 };
      }
      await this.eras.settle();
      const now = await this.whyNotAppended(target, segments);
      if (now.outcome !== 'again') return appended ? { ...now, outcome: 'appended' } : now;
      pending = now.pending;
    }
    throw new Refusal('conflict', `partition ${topic}/${partition} is changing too fast; ask again`);
  }

  async advanceHighWatermark(
    fence: Fence,
    topic: string,
    partition: number,
    offset: number,
  ): Promise<Partition> {
    const target = { group: this.group, topic, partition, fence };
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const advanced = await this.writes.advance(target, offset);
      if (advanced) return advanced;
      await this.eras.settle();
      const state = await this.partitionState(topic, partition);
      refuseByFence(state, target);
      if (state.highWatermark > offset) {
        throw new Refusal(
          'conflict',
          `the high watermark of ${topic}/${partition} is ${state.highWatermark} and never goes back to ${offset}`,
          { highWatermark: state.highWatermark },
        );
      }
    }
    throw new Refusal('conflict', `partition ${topic}/${partition} is changing too fast; ask again`);
  }

  async listSegments(
    topic: string,
    partition: number,
    from: number,
    page: PageRequest,
  ): Promise<Page<Segment>> {
    const state = await this.partitionState(topic, partition);
    const [start] = decodeCursor(page, [-1]);
    const within = { topicId: state.topicId, partition };
    let begin = start + 1;
    if (page.cursor === undefined) {
      const floor = await first(this.db, selectFloor, { ...within, offset: from });
      begin = floor && floor.endOffset >= from ? floor.baseOffset : from;
    }
    const rows = await this.db.all(selectFollowing, { ...within, from: begin, limit: page.limit + 1 });
    return pageOf(
      rows.map((row) => ({ ...row, topic })),
      page,
      (segment) => [segment.baseOffset],
    );
  }

  async findSegment(topic: string, partition: number, offset: number): Promise<OffsetLocation> {
    const state = await this.partitionState(topic, partition);
    if (offset >= state.highWatermark) return { result: 'at_end', highWatermark: state.highWatermark };
    if (offset < state.startOffset) return { result: 'before_start', startOffset: state.startOffset };
    const within = { topicId: state.topicId, partition };
    const floor = await first(this.db, selectFloor, { ...within, offset });
    if (floor && floor.endOffset >= offset) return { result: 'found', segment: { ...floor, topic } };
    const next = await first(this.db, selectFollowing, { ...within, from: offset, limit: 1 });
    return { result: 'gap', next: next?.baseOffset ?? state.highWatermark };
  }

  async deleteSegmentsBefore(
    topic: string,
    partition: number,
    before: number,
    limit: number,
  ): Promise<{ readonly removed: readonly Segment[]; readonly more: boolean }> {
    return this.db.transaction(async (tx) => {
      const locked = await first(tx, lockPartition, { group: this.group, topic, partition });
      if (!locked) throw noSuchPartition(topic, partition);
      const within = { topicId: locked.topicId, partition };
      const removed = (await tx.all(deleteOldest, { ...within, before, limit }))
        .map((row) => ({ ...row, topic }))
        .sort((a, b) => a.baseOffset - b.baseOffset);
      const last = removed.at(-1);
      if (last) await tx.all(moveStart, { ...within, startOffset: last.endOffset + 1 });
      return { removed, more: removed.length === limit };
    });
  }

  private async tryAppend(
    target: FencedTarget,
    segments: readonly NewSegment[],
  ): Promise<readonly Segment[] | undefined> {
    try {
      return await this.writes.append(target, segments);
    } catch (error) {
      // A known id: which one, and whether it says the same, is read next.
      if (error instanceof ConstraintViolation && error.kind === 'unique') return undefined;
      throw error;
    }
  }

  /** Idempotency first, then the fence, then contiguity; answers what is still to be written when nothing stands against it now. */
  private async whyNotAppended(
    target: FencedTarget,
    segments: readonly NewSegment[],
  ): Promise<
    | (AppendAnswer & { readonly outcome: 'already' })
    | { readonly outcome: 'again'; readonly pending: readonly NewSegment[] }
  > {
    const { topic, partition } = target;
    const state = await this.partitionState(topic, partition);
    const ids = segments.map(({ id }) => ({ id }));
    const rows = await this.db.all(selectSegmentsById, { topicId: state.topicId, partition, ids });
    const stored = new Map(rows.map((row) => [row.id, { ...row, topic }]));
    const pending: NewSegment[] = [];
    for (const segment of segments) {
      const known = stored.get(segment.id);
      if (!known) pending.push(segment);
      else if (!sameSegment(known, segment)) {
        throw new Refusal('already_exists', `segment id "${segment.id}" is stored with other content`);
      }
    }
    const next = pending[0];
    if (!next) {
      const all = segments.flatMap((segment) => stored.get(segment.id) ?? []);
      // The state was read before the ids: an append that came between would make its watermark too low.
      const highWatermark = Math.max(state.highWatermark, (all.at(-1)?.endOffset ?? -1) + 1);
      return { outcome: 'already', segments: all, highWatermark };
    }
    refuseByFence(state, target, { committed: false });
    const { highWatermark } = state;
    if (next.baseOffset > highWatermark) {
      throw new Refusal(
        'offset_gap',
        `the next segment of ${topic}/${partition} must begin at ${highWatermark}, not ${next.baseOffset}`,
        { highWatermark },
      );
    }
    if (next.baseOffset < highWatermark) {
      throw new Refusal(
        'offset_overlap',
        `offsets below ${highWatermark} of ${topic}/${partition} are taken; ${next.baseOffset} overlaps them`,
        { highWatermark },
      );
    }
    return { outcome: 'again', pending };
  }

  private async partitionState(topic: string, partition: number): Promise<PartitionState> {
    const state = await first(this.db, selectPartitionState, { group: this.group, topic, partition });
    if (!state) throw noSuchPartition(topic, partition);
    return state;
  }
}

/** Throws the refusal that the lease's state means for a write under `target.fence`, or returns when none stands against it. */
function refuseByFence(state: PartitionState, target: FencedTarget, more: RefusalFacts = {}): void {
  const { topic, partition, fence } = target;
  const where = `${topic}/${partition}`;
  const facts = { givenEpoch: fence.epoch, currentEpoch: state.epoch, holder: state.holder };
  if (state.epoch !== fence.epoch) {
    throw new Refusal(
      'fenced',
      `the epoch of ${where} is ${state.epoch}; a write under epoch ${fence.epoch} is refused`,
      { ...facts, ...more },
    );
  }
  if (state.sessionId !== fence.sessionId || state.sessionId === null) {
    const holder = state.holder ?? 'nobody';
    throw new Refusal('no_lease', `${where} is led by ${holder} at this epoch, not by this agent`, facts);
  }
  if (!state.sessionLive) {
    throw new Refusal('session_lost', `the session that led ${where} has ended`, facts);
  }
}
