// The answer to whatever is refused: a problem (RFC 9457) with a code, and the facts that say what to do next.
import { z } from 'zod';
import { name } from '../names.ts';
import { epoch, whole } from '../numbers.ts';
import { duration, highWatermark } from './values.ts';

export const problemAnswer = z
  .object({
    type: z.string(),
    title: z.string(),
    status: whole(400, 599),
    code: z.string().meta({ description: 'One of a closed set, for programs.' }),
    detail: z.string().meta({ description: 'A sentence for people: what is wrong and what to do.' }),
    instance: z.string().optional().meta({ description: 'The path that was asked for.' }),
    requestId: z
      .string()
      .optional()
      .meta({ description: "As in the header x-request-id, and in the agent's log." }),
    givenEpoch: epoch.optional(),
    currentEpoch: epoch.optional(),
    holder: name
      .nullable()
      .optional()
      .meta({ description: 'The agent that holds the lease; null when nobody does.' }),
    highWatermark: highWatermark.optional(),
    committed: z.boolean().optional().meta({
      description: 'With `fenced`: whether the segments are stored all the same, from an earlier attempt.',
    }),
    retryAfterMs: duration.optional(),
  })
  .meta({ id: 'Problem' });

export type ProblemAnswer = z.input<typeof problemAnswer>;
