// What is known of one partition's log: all segments in one run of offsets, so that what lies between them is known to be a gap. Segments
// never change once they are stored; they come at the end, and go at the start.
import type { OffsetLocation, Segment } from '../../domain/segment.ts';
import type { LogPart } from '../segments.ts';

export class SegmentWindow {
  /** Of which topic: another one of the same name has another log. */
  private readonly topicId: number;
  private segments: Segment[] = [];
  /** Where each of them begins: a search through these touches no segment but the one it finds. */
  private bases: number[] = [];
  /** The first offset of which it is known where it lies. */
  from: number;
  /** Behind the last offset of which it is known where it lies. */
  to: number;
  /** The first offset that retention had left when it was last read. */
  startOffset: number;
  /** The high watermark when it was last read; never below `to`. */
  private highWatermark: number;

  /** Begins with a part of the log that was read from `offset` on. */
  constructor(part: LogPart, offset: number) {
    const { topicId, startOffset, highWatermark, segments } = part;
    this.topicId = topicId;
    this.startOffset = startOffset;
    this.highWatermark = highWatermark;
    const begin = Math.min(Math.max(offset, startOffset), highWatermark);
    this.from = Math.max(startOffset, Math.min(begin, segments[0]?.baseOffset ?? begin));
    this.to = this.from;
    this.extend(part);
  }

  get size(): number {
    return this.segments.length;
  }

  /** Whether nothing is missing between its end and the high watermark. */
  get reachesEnd(): boolean {
    return this.to >= this.highWatermark;
  }

  /** Where `offset` lies; undefined when that is not known. At the end it is the last high watermark read. */
  locate(offset: number): OffsetLocation | undefined {
    if (offset >= this.highWatermark) return { result: 'at_end', highWatermark: this.highWatermark };
    if (offset < this.startOffset) return { result: 'before_start', startOffset: this.startOffset };
    if (offset < this.from || offset >= this.to) return undefined;
    const floor = this.floor(offset);
    const segment = this.segments[floor];
    if (segment !== undefined && segment.endOffset >= offset) return { result: 'found', segment };
    const next = this.bases[floor + 1];
    if (next !== undefined) return { result: 'gap', next };
    return this.reachesEnd ? { result: 'gap', next: this.highWatermark } : undefined;
  }

  /** Whether this location may be another as soon as something is appended. */
  isAtEnd(location: OffsetLocation): boolean {
    return location.result === 'at_end' || (location.result === 'gap' && location.next >= this.to);
  }

  /** Whether `offset` is near the end of what is known: the run grows to there rather than beginning anew. */
  isNext(offset: number): boolean {
    return this.reachesEnd || offset - this.to <= this.to - this.from;
  }

  /** Takes in what was read from its end on; false when that is of another log, and nothing here is true any more. */
  take(part: LogPart): boolean {
    // A high watermark or a start that went back: the database itself did, to a backup or what a standby had.
    const isOther =
      part.topicId !== this.topicId ||
      part.highWatermark < this.highWatermark ||
      part.startOffset < this.startOffset;
    if (isOther) return false;
    this.highWatermark = part.highWatermark;
    this.extend(part);
    if (part.startOffset > this.startOffset) {
      this.startOffset = part.startOffset;
      if (part.startOffset > this.from) this.dropBefore(part.startOffset);
    }
    return true;
  }

  /** Takes in segments that were stored just now; false when they do not continue what is known. */
  append(segments: readonly Segment[]): boolean {
    const last = segments.at(-1);
    if (last === undefined || !this.reachesEnd || segments[0]?.baseOffset !== this.to) return false;
    this.push(segments);
    this.to = last.endOffset + 1;
    this.highWatermark = this.to;
    return true;
  }

  /** When there are more than `count` segments, forgets the oldest, an eighth at a time. */
  trim(count: number): void {
    if (this.segments.length <= count) return;
    const first = this.segments.at(-Math.ceil((count * 7) / 8));
    if (first !== undefined) this.dropBefore(first.baseOffset);
  }

  private extend({ segments, highWatermark, isWhole }: LogPart): void {
    const last = this.segments.at(-1)?.endOffset ?? -1;
    const added = segments.filter(({ baseOffset }) => baseOffset > last);
    this.push(added);
    const behindLast = (added.at(-1)?.endOffset ?? -1) + 1;
    this.to = Math.max(this.to, behindLast, isWhole ? highWatermark : 0);
    // What was stored between the reading of the ends and of the segments.
    this.highWatermark = Math.max(this.highWatermark, this.to);
  }

  private push(segments: readonly Segment[]): void {
    this.segments.push(...segments);
    for (const { baseOffset } of segments) this.bases.push(baseOffset);
  }

  private dropBefore(offset: number): void {
    const floor = this.floor(offset);
    const keepsFloor = (this.segments[floor]?.endOffset ?? -1) >= offset;
    this.segments = this.segments.slice(keepsFloor ? floor : floor + 1);
    this.bases = this.segments.map(({ baseOffset }) => baseOffset);
    this.from = offset;
    this.to = Math.max(this.to, offset);
  }

  /** Index of the last segment that begins at or before `offset`; −1 when none does. */
  private floor(offset: number): number {
    let low = 0;
    let high = this.bases.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.bases[middle] ?? Infinity) <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
