// One partition's segments in memory, with the reads of a store, counted; and another partition that is not there.
import { Refusal } from '../../../src/domain/refusal.ts';
import type { OffsetLocation, Segment } from '../../../src/domain/segment.ts';
import type { Partition } from '../../../src/domain/topic.ts';
import type { IndexedStore } from '../../../src/store/cache/segment-index.ts';
import type { Page } from '../../../src/store/page.ts';

export class LogOfSegments implements IndexedStore {
  segments: Segment[] = [];
  startOffset = 0;
  highWatermark = 0;
  reads = { getPartition: 0, listSegments: 0, findSegment: 0 };
  /** From where segments were listed, one entry for each time. */
  listedFrom: number[] = [];
  /** What a read waits for before it answers what it saw. */
  gate: Promise<void> = Promise.resolve();

  append(count: number, records: number): readonly Segment[] {
    const appended = Array.from({ length: count }, (_, i): Segment => {
      const baseOffset = this.highWatermark + i * records;
      const endOffset = baseOffset + records - 1;
      const ids = { id: `s${baseOffset}`, topic: 't', partition: 0, epoch: 1, createdAt: new Date(0) };
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

  async getPartition(topic: string, partition: number): Promise<Partition | undefined> {
    this.reads.getPartition += 1;
    const { startOffset, highWatermark } = this;
    await this.gate;
    return topic === 't' ? { topic, partition, startOffset, highWatermark } : undefined;
  }

  async listSegments(
    _: string,
    __: number,
    from: number,
    { limit }: { limit: number },
  ): Promise<Page<Segment>> {
    this.reads.listSegments += 1;
    this.listedFrom.push(from);
    const following = this.segments.filter(({ endOffset }) => endOffset >= from);
    await this.gate;
    const items = following.slice(0, limit);
    return following.length > limit ? { items, nextCursor: 'more' } : { items };
  }

  async findSegment(topic: string, _: number, offset: number): Promise<OffsetLocation> {
    this.reads.findSegment += 1;
    if (topic !== 't') throw new Refusal('not_found', `there is no topic ${topic}`);
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
