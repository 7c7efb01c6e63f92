// Paging, the same for every list: `limit` and `cursor` in, `nextCursor` out as long as there is more.
import { z } from 'zod';
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from '../../domain/limits.ts';
import { wholeText } from './numbers.ts';

const cursorError = 'must be the nextCursor of an earlier answer';

export const limit = wholeText(1, PAGE_LIMIT_MAX)
  .default(PAGE_LIMIT_DEFAULT)
  .meta({ description: 'How many to answer at most.' });

/** Opaque; the dot joins the cursors of lists that are read side by side. */
export const cursor = z
  .string(cursorError)
  .regex(/^[A-Za-z0-9_.-]{1,2048}$/, cursorError)
  .optional()
  .meta({ description: 'The nextCursor of the page before; opaque.' });

/** The fields of a query that every list understands; spread into those that understand more. */
export const pageFields = { limit, cursor };

export const pageQuery = z.strictObject(pageFields);

/** For what takes no parameters: a misspelt one is told, not ignored. */
export const noQuery = z.strictObject({});
