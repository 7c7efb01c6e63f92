// What a request for the event stream may say.
import { z } from 'zod';
import { name } from './names.ts';

export const eventsQuery = z.strictObject({
  /** Binds the broker's life to the stream. */
  attach: z.literal('broker', 'must be broker, or left out').optional(),
  stream: name.optional(),
});
