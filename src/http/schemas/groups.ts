// What requests about consumer groups and committed offsets may say.
import { z } from 'zod';
import { name, partitionNumber, partitionPath } from './names.ts';
import { integer } from './numbers.ts';

export const groupPath = z.strictObject({ group: name });
export const groupOffsetPath = partitionPath.extend({ group: name });

/** As Kafka's brokers limit it. */
const metadataLengthMax = 4_096;
const metadataError = `must be a text of at most ${metadataLengthMax} characters, or null`;

const commit = {
  offset: integer.meta({
    description: 'The next offset to read. It may go back (a reset), not beyond the high watermark.',
  }),
  metadata: z.string(metadataError).max(metadataLengthMax, metadataError).nullable().default(null),
};

export const commitBody = z.strictObject(commit, 'must be a JSON object').meta({ id: 'Commit' });

const batchError = 'must be an array of at least one commit, or an object whose field offsets is one';

const commits = z
  .array(
    z
      .strictObject({ topic: name, partition: partitionNumber, ...commit }, batchError)
      .meta({ id: 'PartitionCommit' }),
    batchError,
  )
  .min(1, batchError);

/** A list as it is answered, `{offsets: […]}`, or the bare array. One transaction. */
export const commitBatchBody = z.union([z.strictObject({ offsets: commits }, batchError), commits]);
