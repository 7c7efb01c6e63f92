// What requests about topics and their partitions may say.
import { z } from 'zod';
import { PARTITION_COUNT_MAX } from '../../domain/limits.ts';
import { name } from './names.ts';
import { integer, whole } from './numbers.ts';

const partitionCount = whole(1, PARTITION_COUNT_MAX);

export const newTopicBody = z.strictObject(
  {
    name,
    partitionCount,
    /** null, or not said: for ever. */
    retentionMs: integer.nullable().default(null),
    config: z.record(z.string(), z.unknown(), 'must be a JSON object').default({}),
  },
  'must be a JSON object',
);

/** `partitionCount`: the new total. */
export const growTopicBody = z.strictObject({ partitionCount }, 'must be a JSON object');
