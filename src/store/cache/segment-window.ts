// What is known of one partition's segments: all of them in one run of offsets, so that what lies between them is known to be a gap. Segments
// never change once they are stored; they come at the end, and go at the start.
import type { OffsetLocation, Segment } from '../../domain/segment.ts';

export class SegmentWindow {
  private segments: Segment[];
  /** The first offset of which it is known where it lies. */
  from: number;
  /** Behind the last offset of which it is known where it lies. */
  to: number;
  /** The first offset that retention had left when it was last read. */
  startOffset: number;
  /** The high watermark when it was last read; never below `to`. */
  highWatermark: number;

  /** Knows nothing yet but that the run begins at `from`. */
  constructor(from: number, ends: { readonly startOffset: number; readonly highWatermark: number }) {
    this.segments = [];
    this.from = from;
    this.to = from;
    this.startOffset = ends.startOffset;
    this.highWatermark = ends.highWatermark;
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
    if (offset >= this.highWatermark)
      return this.reachesEnd ? { result: 'at_end', highWatermark: this.highWatermark } : undefined;
    if (offset < this.startOffset) return { result: 'before_start', startOffset: this.startOffset };
    if (offset < this.from || offset >= this.to) return undefined;
    const floor = this.floor(offset);
    const segment = this.segments[floor];
    if (segment !== undefined && segment.endOffset >= offset) return { result: 'found', segment };
    return { result: 'gap', next: this.segments[floor + 1]?.baseOffset ?? this.to };
  }

  /**
   * Takes in the segments that follow its end, as they were read from there: all up to `to`. Those known already are left out (the one that
   * contains the end is read again).
   */
  extend(segments: readonly Segment[], to: number): void {
    const last = this.segments.at(-1)?.endOffset ?? -1;
    for (const segment of segments) if (segment.baseOffset > last) this.segments.push(segment);
    this.to = Math.max(this.to, to);
    this.highWatermark = Math.max(this.highWatermark, this.to);
  }

  /** The ends of the log, read anew. */
  noteEnds({
    startOffset,
    highWatermark,
  }: {
    readonly startOffset: number;
    readonly highWatermark: number;
  }): void {
    this.highWatermark = Math.max(this.highWatermark, highWatermark);
    if (startOffset <= this.startOffset) return;
    this.startOffset = startOffset;
    if (startOffset > this.from) this.dropBefore(startOffset);
  }

  /** Keeps the last `count` segments. */
  trim(count: number): void {
    const first = this.segments.at(-count);
    if (first !== undefined && this.segments.length > count) this.dropBefore(first.baseOffset);
  }

  private dropBefore(offset: number): void {
    const floor = this.floor(offset);
    const keepsFloor = (this.segments[floor]?.endOffset ?? -1) >= offset;
    this.segments = this.segments.slice(keepsFloor ? floor : floor + 1);
    this.from = offset;
    this.to = Math.max(this.to, offset);
  }

  /** Index of the last segment that begins at or before `offset`; −1 when none does. */
  private floor(offset: number): number {
    let low = 0;
    let high = this.segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.segments[middle]?.baseOffset ?? Infinity) <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
