// Segments and high watermarks: the reads, and what a fenced write means when it did not go through. The fenced write
// itself is each backend's own statement (`FencedWrites`).
import { sql } from 'drizzle-orm';
import { Refusal } from '../../domain/refusal.ts';
import type { NewSegment, Segment } from '../../domain/segment.ts';
import type { Partition } from '../../domain/topic.ts';
import type { Page, PageRequest } from '../page.ts';
import type { AppendAnswer, Fence, SegmentStore } from '../segments.ts';
import { Appends } from './appends.ts';
import { decodeCursor, pageOf } from './cursor.ts';
import { first, type SqlDatabase } from './database.ts';
import type { EraWatch } from './era-watch.ts';
import type { FencedWrites } from './fence.ts';
import type { StoreJoining } from './joining.ts';
import { partitionState, refuseByFence } from './partition-state.ts';
import { readNumber } from './read.ts';
import {
  type InPartition,
  inPartition,
  readStoredSegment,
  segmentColumns,
  type StoredSegment,
} from './segment-rows.ts';
import { statement } from './statement.ts';
import { noSuchPartition } from './topics.ts';

type PartitionName = { group: string; topic: string; partition: number };

/** How often a write is tried again when what refused it has changed before the reason could be read. */
const attemptsMax = 5;

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

export class SqlSegments implements Omit<SegmentStore, 'readLog' | 'findSegment'> {
  private readonly db: SqlDatabase;
  private readonly writes: FencedWrites;
  private readonly eras: EraWatch;
  private readonly group: string;
  private readonly appends: Appends;

  constructor(db: SqlDatabase, writes: FencedWrites, eras: EraWatch, joining: StoreJoining, group: string) {
    this.db = db;
    this.writes = writes;
    this.eras = eras;
    this.group = group;
    this.appends = new Appends(db, writes, eras, joining);
  }

  async appendSegments(
    fence: Fence,
    topic: string,
    partition: number,
    segments: readonly NewSegment[],
  ): Promise<AppendAnswer> {
    return this.appends.append({ group: this.group, topic, partition, fence }, segments);
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
      const state = await partitionState(this.db, this.group, topic, partition);
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
    const state = await partitionState(this.db, this.group, topic, partition);
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
}
