// One partition's log in memory, with the reads of a store, counted; topic `t` alone is there. A read of the store is two statements: what is
// changed between them shows in the second.
import { Refusal } from '../../../src/domain/refusal.ts';
import type { OffsetLocation, Segment } from '../../../src/domain/segment.ts';
import type { LogPart, SegmentStore } from '../../../src/store/segments.ts';

export class LogOfSegments implements Pick<SegmentStore, 'readLog' | 'findSegment'> {
  topicId = 1;
  segments: readonly Segment[] = [];
  startOffset = 0;
  highWatermark = 0;
  reads = { readLog: 0, findSegment: 0 };
  /** From where segments were read, one entry for each time. */
  readFrom: number[] = [];
  /** What a statement waits for before its answer arrives. */
  pause: () => Promise<unknown> = () => Promise.resolve();

  append(count: number, records: number): readonly Segment[] {
    const appended = Array.from({ length: count }, (_, i): Segment => {
      const baseOffset = this.highWatermark + i * records;
      const endOffset = baseOffset + records - 1;
      const id = `${this.topicId}-${baseOffset}`;
      const ids = { id, topic: 't', partition: 0, epoch: 1, createdAt: new Date(0) };
      return { ...ids, baseOffset, endOffset, recordCount: records, sizeBytes: 1, bucket: 'b', key: 'k' };
    });
    this.segments = [...this.segments, ...appended];
    this.highWatermark += count * records;
    return appended;
  }

  skip(records: number): void {
    this.highWatermark += records;
  }

  removeBefore(offset: number): void {
    const removed = this.segments.filter(({ endOffset }) => endOffset < offset);
    this.segments = this.segments.slice(removed.length);
    this.startOffset = Math.max(this.startOffset, (removed.at(-1)?.endOffset ?? -1) + 1);
  }

  /** Deletes the topic and creates it anew. */
  recreate(): void {
    this.topicId += 1;
    this.segments = [];
    this.startOffset = 0;
    this.highWatermark = 0;
  }

  async readLog(topic: string, _: number, from: number, limit: number): Promise<LogPart> {
    this.reads.readLog += 1;
    this.readFrom.push(from);
    const { topicId, startOffset, highWatermark } = this;
    await this.pause();
    if (topic !== 't') throw new Refusal('not_found', `there is no topic ${topic}`);
    const ends = { topicId, startOffset, highWatermark };
    if (from >= highWatermark) return { ...ends, segments: [], isWhole: true };
    const all = topicId === this.topicId ? this.segments : [];
    const floor = all.findLast(({ baseOffset }) => baseOffset <= from)?.baseOffset ?? from;
    const segments = all.filter(({ baseOffset }) => baseOffset >= floor).slice(0, limit);
    await this.pause();
    return { ...ends, segments, isWhole: segments.length < limit };
  }

  async findSegment(topic: string, _: number, offset: number): Promise<OffsetLocation> {
    this.reads.findSegment += 1;
    if (topic !== 't') throw new Refusal('not_found', `there is no topic ${topic}`);
    const answer = this.locate(offset);
    await this.pause();
    return answer;
  }

  /** Where `offset` lies now. */
  locate(offset: number): OffsetLocation {
    if (offset >= this.highWatermark) return { result: 'at_end', highWatermark: this.highWatermark };
    if (offset < this.startOffset) return { result: 'before_start', startOffset: this.startOffset };
    const segment = this.segments.find(
      ({ baseOffset, endOffset }) => baseOffset <= offset && offset <= endOffset,
    );
    if (segment) return { result: 'found', segment };
    const next = this.segments.find(({ baseOffset }) => baseOffset > offset);
    return { result: 'gap', next: next?.baseOffset ?? this.highWatermark };
  }
}
