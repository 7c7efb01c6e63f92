// Values that many answers have: times, positions in a log, and the end of a page.
import { z } from 'zod';
import { integer } from '../numbers.ts';

/** RFC 3339, in UTC. */
export const time = z.string().meta({ format: 'date-time' });

/** Whole milliseconds; negative for what has passed. */
export const duration = z.int().meta({ format: 'int64' });

export const count = integer;

export const highWatermark = integer.meta({
  description: 'The next offset to be written: one behind the last, and the baseOffset of the next segment.',
});

export const startOffset = integer.meta({ description: 'The first offset that retention has left.' });

/** JSON that users keep with a thing. */
export const userObject = z.record(z.string(), z.unknown());

/** Spread into the answer of a list, beside the list itself. */
export const pageEnd = {
  nextCursor: z
    .string()
    .optional()
    .meta({ description: 'Ask again with it as `cursor` for what follows; absent on the last page.' }),
};

/** An answer without a body. */
export const nothing = z.undefined();
