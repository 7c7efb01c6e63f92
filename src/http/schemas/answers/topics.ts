// Answers about topics and their partitions.
import { z } from 'zod';
import { name, partitionNumber } from '../names.ts';
import { epoch, whole } from '../numbers.ts';
import { PARTITION_COUNT_MAX } from '../../../domain/limits.ts';
import { count, highWatermark, pageEnd, startOffset, time, userObject } from './values.ts';

export const topic = z
  .object({
    name,
    partitionCount: whole(1, PARTITION_COUNT_MAX),
    retentionMs: count.nullable(),
    config: userObject,
    createdAt: time,
  })
  .meta({ id: 'Topic' });

const partitionFields = { topic: name, partition: partitionNumber, highWatermark, startOffset };

export const partition = z.object(partitionFields).meta({ id: 'Partition' });

export const ledPartition = z
  .object({
    ...partitionFields,
    leader: name.nullable().meta({
      description: 'The agent that leads it; null when none does. `epoch` is the current one all the same.',
    }),
    epoch,
  })
  .meta({ id: 'LedPartition' });

export const topicPage = z.object({ topics: z.array(topic), ...pageEnd });
export const ledPartitionPage = z.object({ partitions: z.array(ledPartition), ...pageEnd });

export type TopicAnswer = z.input<typeof topic>;
export type PartitionAnswer = z.input<typeof partition>;
export type LedPartitionAnswer = z.input<typeof ledPartition>;
