// A list in an answer: named for what it holds, with `nextCursor` only when there is more.
import type { Page } from '../../store/page.ts';

export function presentPage<T>(
  page: Page<T>,
  listName: string,
  present: (item: T) => unknown,
): Record<string, unknown> {
  const list = { [listName]: page.items.map(present) };
  return page.nextCursor === undefined ? list : { ...list, nextCursor: page.nextCursor };
}
