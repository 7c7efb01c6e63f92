// What a request for the event stream may say.
import { z } from 'zod';
import { name } from './names.ts';

export const eventsQuery = z.strictObject({
  /** Binds the broker's life to the stream. */
  attach: z.literal('broker', 'must be broker, or left out').optional(),
  stream: name.optional(),
});

/** Whatever it says, it is no mistake: what is not known begins anew. */
export const eventsHeaders = z.looseObject({
  'last-event-id': z.string().optional().meta({ description: 'The id of the last event that was read.' }),
});
