// Segments as a broker appends and reads them.
import type { Fields } from './fields.ts';

/** A run of records in the object store, uploaded before it is appended. */
export interface NewSegment {
  /** Chosen by the writer, unique in its partition. The same id with the same content is the same request, however often it is sent. */
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
}

export interface Appended {
  /** `already`: an earlier attempt had stored them; nothing was written now. */
  readonly outcome: 'appended' | 'already';
  readonly segments: readonly Segment[];
  /** The next offset of the partition. */
  readonly highWatermark: number;
}

export function segmentOf(body: Fields): Segment {
  return {
    topic: body.text('topic'),
    partition: body.whole('partition'),
    epoch: body.whole('epoch'),
    id: body.text('id'),
    baseOffset: body.whole('baseOffset'),
    endOffset: body.whole('endOffset'),
    recordCount: body.whole('recordCount'),
    sizeBytes: body.whole('sizeBytes'),
    bucket: body.text('bucket'),
    key: body.text('key'),
  };
}
