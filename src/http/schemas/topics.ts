// What requests about topics and their partitions may say.
import { z } from 'zod';
import { PARTITION_COUNT_MAX } from '../../domain/limits.ts';
import { checkPreferences } from '../../domain/preference.ts';
import { name } from './names.ts';
import { integer, whole } from './numbers.ts';

const partitionCount = whole(1, PARTITION_COUNT_MAX);

export const newTopicBody = z
  .strictObject(
    {
      name,
      partitionCount,
      retentionMs: integer.nullable().default(null).meta({
        description:
          'How long segments are meant to be kept; null: for ever. Agents never delete by themselves.',
      }),
      config: z
        .record(z.string(), z.unknown(), 'must be a JSON object')
        .default({})
        .meta({
          description:
            "Whatever the topic's users want kept with it. Keys with a meaning: `prefer`, the agents that should lead its partitions, best " +
            'first (an id, several with commas, or an array), and `prefer.3` for partition 3 alone.',
        }),
    },
    'must be a JSON object',
  )
  .superRefine(({ config, partitionCount }, context) => {
    const message = checkPreferences(config, partitionCount);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['config'], message });
  })
  .meta({ id: 'NewTopic' });

export const growTopicBody = z.strictObject(
  { partitionCount: partitionCount.meta({ description: 'The new total; a topic never shrinks.' }) },
  'must be a JSON object',
);
