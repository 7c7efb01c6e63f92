// Segments: immutable runs of records in the object store, and where an offset lies among them.

export interface NewSegment {
  /** Chosen by the writer; asking again with the same id and content is the same request. */
  readonly id: string;
  readonly baseOffset: number;
  /** Inclusive. */
  readonly endOffset: number;
  readonly recordCount: number;
  readonly sizeBytes: number;
  readonly bucket: string;
  /** The object's key. Put the epoch into it: no fence covers the upload itself. */
  readonly key: string;
}

export interface Segment extends NewSegment {
  readonly topic: string;
  readonly partition: number;
  /** The epoch of the term that wrote it. */
  readonly epoch: number;
  readonly createdAt: Date;
}

/** Whether two segments say the same thing, so that a repeated append is recognised. */
export function sameSegment(a: NewSegment, b: NewSegment): boolean {
  return (
    a.id === b.id &&
    a.baseOffset === b.baseOffset &&
    a.endOffset === b.endOffset &&
    a.recordCount === b.recordCount &&
    a.sizeBytes === b.sizeBytes &&
    a.bucket === b.bucket &&
    a.key === b.key
  );
}

/** Where an offset lies. `gap`: between segments, `next` is the following base offset or the high watermark. */
export type OffsetLocation =
  | { readonly result: 'found'; readonly segment: Segment }
  | { readonly result: 'gap'; readonly next: number }
  | { readonly result: 'before_start'; readonly startOffset: number }
  | { readonly result: 'at_end'; readonly highWatermark: number };

/** The first segment that does not continue the one before it, as an index, or undefined when all are contiguous. */
export function firstDiscontinuity(segments: readonly NewSegment[]): number | undefined {
  for (let i = 1; i < segments.length; i++) {
    const before = segments[i - 1];
    const here = segments[i];
    if (before && here && here.baseOffset !== before.endOffset + 1) return i;
  }
  return undefined;
}
