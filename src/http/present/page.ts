// A list in an answer: named for what it holds, with `nextCursor` only when there is more.
import type { Page } from '../../store/page.ts';

export function presentPage<T, Name extends string, Shown>(
  page: Page<T>,
  listName: Name,
  present: (item: T) => Shown,
): Record<Name, Shown[]> & { nextCursor?: string };
// Said twice, because the compiler does not follow the name of a computed field.
export function presentPage<T>(
  page: Page<T>,
  listName: string,
  present: (item: T) => unknown,
): Record<string, unknown> {
  const list = { [listName]: page.items.map(present) };
  return page.nextCursor === undefined ? list : { ...list, nextCursor: page.nextCursor };
}
