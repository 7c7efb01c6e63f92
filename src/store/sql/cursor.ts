// Cursors: the last key of a page, opaque to callers, so that a list continues right behind it whatever was inserted.
import { Refusal } from '../../domain/refusal.ts';
import type { Page, PageRequest } from '../page.ts';

type KeyPart = string | number;

/** Partition numbers are 32-bit in both databases. */
export const partitionNumberMax = 2 ** 31 - 1;

/** The key behind which the page starts, or `start`, a key before all others. No number in it is beyond `numberMax`. */
export function decodeCursor<K extends readonly KeyPart[]>(
  page: PageRequest,
  start: K,
  numberMax: number = Number.MAX_SAFE_INTEGER,
): K {
  if (page.cursor === undefined) return start;
  try {
    const key: unknown = JSON.parse(Buffer.from(page.cursor, 'base64url').toString('utf8'));
    if (
      Array.isArray(key) &&
      key.length === start.length &&
      key.every((part, i) => typeof part === typeof start[i]) &&
      key.every((part) => typeof part === 'string' || (Number.isSafeInteger(part) && part <= numberMax))
    ) {
      // oxlint-disable-next-line no-unsafe-type-assertion -- length and types of the parts were just compared with K's
      return key as unknown as K;
    }
  } catch {
    // Told below: whatever is wrong with it, the caller's next step is the same.
  }
  throw new Refusal(
    'invalid',
    'cursor is not one that this list gave; leave it out to start from the beginning',
  );
}

/** Makes a page of rows read with `limit + 1`: the extra row only tells that there is more. */
export function pageOf<T>(
  rows: readonly T[],
  page: PageRequest,
  key: (item: T) => readonly KeyPart[],
): Page<T> {
  if (rows.length <= page.limit) return { items: rows };
  const items = rows.slice(0, page.limit);
  const last = items.at(-1);
  if (last === undefined) return { items };
  return { items, nextCursor: Buffer.from(JSON.stringify(key(last)), 'utf8').toString('base64url') };
}
