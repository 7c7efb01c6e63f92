// What requests about segments and high watermarks may say. Every write names the epoch of the term it is made under.
import { z } from 'zod';
import { INTEGER_MAX } from '../../domain/limits.ts';
import { partitionPath, text } from './names.ts';
import { epoch, integer, integerText, whole } from './numbers.ts';
import { limit, pageFields } from './page.ts';

/** Inclusive, so that the offset behind it is still an offset. */
const endOffset = whole(0, INTEGER_MAX - 1).meta({
  description: 'The last offset in the segment: inclusive, and not below baseOffset.',
});

const segment = z
  .strictObject(
    {
      epoch,
      id: text(512).meta({
        description:
          'Chosen by the writer: the same id and content again is the same request, and answered as such.',
      }),
      baseOffset: integer.meta({
        description: 'The first offset in the segment: the high watermark before it.',
      }),
      endOffset,
      recordCount: integer,
      sizeBytes: integer,
      bucket: text(255),
      key: text(1_024).meta({
        description: "The object's key. Put the epoch into it: no fence covers the upload itself.",
      }),
    },
    'must be a segment or an array of segments',
  )
  .refine(({ baseOffset, endOffset }) => endOffset >= baseOffset, {
    path: ['endOffset'],
    error: 'must not be below baseOffset; it is the last offset in the segment',
  })
  .meta({ id: 'NewSegment' });

const batchError = 'must be a segment or an array of at least one';

/** An array is one transaction, under one term. */
const segments = z
  .array(segment, batchError)
  .min(1, batchError)
  .refine((batch) => batch.every(({ epoch }) => epoch === batch[0]?.epoch), {
    error: 'must name the same epoch in all of its segments',
  })
  .meta({
    description:
      'One transaction under one term: all name the same epoch, and each continues the one before it.',
  });

export const appendBody = z.union([segment, segments]);

export const highWatermarkBody = z.strictObject(
  {
    epoch,
    offset: integer.meta({ description: 'The high watermark to be: the next offset to be written.' }),
  },
  'must be a JSON object',
);

export const segmentsQuery = z.strictObject({
  from: integerText
    .default(0)
    .meta({ description: 'Segments that end at or behind this offset: from the one that holds it onwards.' }),
  ...pageFields,
});

/** There is no default for what is to be deleted. */
export const deleteSegmentsQuery = z.strictObject({
  before: integerText.meta({ description: 'Whole segments that end before this offset.' }),
  limit,
});

export const offsetPath = partitionPath.extend({ offset: integerText });
