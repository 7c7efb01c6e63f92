// What requests about segments and high watermarks may say. Every write names the epoch of the term it is made under.
import { z } from 'zod';
import { INTEGER_MAX } from '../../domain/limits.ts';
import { partitionPath, text } from './names.ts';
import { integer, integerText, whole } from './numbers.ts';
import { limit, pageFields } from './page.ts';

/** Inclusive, so that the offset behind it is still an offset. */
const endOffset = whole(0, INTEGER_MAX - 1);

const segment = z
  .strictObject(
    {
      epoch: integer,
      id: text(512),
      baseOffset: integer,
      endOffset,
      recordCount: integer,
      sizeBytes: integer,
      bucket: text(255),
      key: text(1_024),
    },
    'must be a segment or an array of segments',
  )
  .refine(({ baseOffset, endOffset }) => endOffset >= baseOffset, {
    path: ['endOffset'],
    error: 'must not be below baseOffset; it is the last offset in the segment',
  });

const batchError = 'must be a segment or an array of at least one';

/** An array is one transaction, under one term. */
const segments = z
  .array(segment, batchError)
  .min(1, batchError)
  .refine((batch) => batch.every(({ epoch }) => epoch === batch[0]?.epoch), {
    error: 'must name the same epoch in all of its segments',
  });

export const appendBody = z.union([segment, segments]);

export const highWatermarkBody = z.strictObject({ epoch: integer, offset: integer }, 'must be a JSON object');

/** Segments from the one that holds `from` onwards. */
export const segmentsQuery = z.strictObject({ from: integerText.default(0), ...pageFields });

/** Whole segments that end before `before`; there is no default for what is to be deleted. */
export const deleteSegmentsQuery = z.strictObject({ before: integerText, limit });

export const offsetPath = partitionPath.extend({ offset: integerText });
