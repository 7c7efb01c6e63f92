// Answers about consumer groups and their committed offsets.
import { z } from 'zod';
import { name, partitionNumber } from '../names.ts';
import { integer } from '../numbers.ts';
import { pageEnd, time } from './values.ts';

const groupFields = { group: name, createdAt: time };

export const group = z.object(groupFields).meta({ id: 'Group' });

export const committedOffset = z
  .object({
    group: name,
    topic: name,
    partition: partitionNumber,
    offset: integer.meta({ description: 'The next offset to read.' }),
    metadata: z.string().nullable(),
    committedAt: time,
  })
  .meta({ id: 'CommittedOffset' });

export const committedOffsets = z.object({ offsets: z.array(committedOffset) });
export const groupPage = z.object({ groups: z.array(group), ...pageEnd });
export const groupWithOffsets = z.object({ ...groupFields, offsets: z.array(committedOffset), ...pageEnd });

export type GroupAnswer = z.input<typeof group>;
export type CommittedOffsetAnswer = z.input<typeof committedOffset>;
