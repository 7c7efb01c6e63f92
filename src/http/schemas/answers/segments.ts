// Answers about segments: stored ones, where an offset lies, and what was removed.
import { z } from 'zod';
import { name, partitionNumber } from '../names.ts';
import { epoch, integer } from '../numbers.ts';
import { count, highWatermark, pageEnd, startOffset, time } from './values.ts';

const segmentFields = {
  topic: name,
  partition: partitionNumber,
  id: z.string(),
  epoch,
  baseOffset: integer,
  endOffset: integer.meta({ description: 'The last offset in the segment: inclusive.' }),
  recordCount: count,
  sizeBytes: count,
  bucket: z.string(),
  key: z.string(),
  createdAt: time,
};

export const segment = z.object(segmentFields).meta({ id: 'Segment' });

/** As the request was: one segment, or an array of them. */
export const appendAnswer = z
  .union([
    z.object({ ...segmentFields, highWatermark }),
    z.object({ segments: z.array(segment), highWatermark }),
  ])
  .meta({ id: 'AppendAnswer', description: 'As the request was: one segment, or several.' });

export const segmentPage = z.object({ segments: z.array(segment), ...pageEnd });

export const offsetLocation = z
  .discriminatedUnion('result', [
    z.object({ result: z.literal('found'), segment }),
    z.object({
      result: z.literal('gap'),
      next: integer.meta({ description: 'The baseOffset that follows the gap, or the high watermark.' }),
    }),
    z.object({ result: z.literal('before_start'), startOffset }),
    z.object({ result: z.literal('at_end'), highWatermark }),
  ])
  .meta({ id: 'OffsetLocation' });

export const removedSegments = z
  .object({
    removed: z.array(segment),
    more: z.boolean().meta({ description: 'Whether the limit was reached: ask again for the rest.' }),
  })
  .meta({ id: 'RemovedSegments' });

export type SegmentAnswer = z.input<typeof segment>;
export type OffsetLocationAnswer = z.input<typeof offsetLocation>;
