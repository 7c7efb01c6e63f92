// Requests about placement.
import { z } from 'zod';
import { limit } from './page.ts';

const cursorError = 'must be the nextCursor of an earlier answer';

/** Of the plan, which is made anew for each page: the place of a move in it is its partition. */
export const planQuery = z.strictObject({
  limit,
  cursor: z
    .string(cursorError)
    .regex(/^\d{1,6}\.[A-Za-z0-9._-]{1,249}$/, cursorError)
    .optional()
    .meta({ description: 'The nextCursor of the page before; opaque.' }),
});
