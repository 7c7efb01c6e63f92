// What a request for the event stream may say.
import { z } from 'zod';
import { name } from './names.ts';

export const eventsQuery = z.strictObject({
  /** Binds the broker's life to the stream. */
  attach: z.literal('broker', 'must be broker, or left out').optional(),
  stream: name.optional(),
});

/** Longer than Node lets a request's headers be. */
const headerLengthMax = 16_384;

/** Whatever it says, it is no mistake: what is not known begins anew. */
export const eventsHeaders = z.looseObject({
  'last-event-id': z
    .string()
    .max(headerLengthMax)
    .optional()
    .meta({ description: 'The id of the last event that was read.' }),
});
