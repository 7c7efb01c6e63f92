// Lists that come in pages, whole.
import type { Api } from './api.ts';

/** One list, under its name, and perhaps where the next page begins. */
interface Page<T> {
  readonly nextCursor?: string;
  readonly [list: string]: readonly T[] | string | undefined;
}

const pageLimit = 10_000;

/** `list`: the name of the list in the answer. */
export async function readAll<T>(
  api: Api,
  path: string,
  list: string,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const all: T[] = [];
  for (let behind = ''; ;) {
    const page: Page<T> = await api.get(`${path}?limit=${pageLimit}${behind}`, signal);
    const more = page[list];
    if (typeof more === 'object') for (const each of more) all.push(each);
    if (page.nextCursor === undefined) return all;
    behind = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}
