// Lists, followed page by page to their end or to `--limit`.
import { z } from 'zod';
import { PAGE_LIMIT_MAX } from '../domain/limits.ts';
import type { Api } from './api.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import type { ApiRequest } from './transport.ts';

export interface ListRequest<T> {
  readonly path: readonly string[];
  /** The field of the answer that holds the rows. */
  readonly key: string;
  readonly row: z.ZodType<T>;
  readonly query?: ApiRequest['query'];
  /** Stop after this many rows. Default: the list's end. */
  readonly limit?: number | undefined;
}

export interface Listing<T> {
  readonly rows: readonly T[];
  /** The first page's answer with the rows of all pages; `nextCursor` only when the limit has left rows out. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly hasMore: boolean;
}

const pageForm = z.looseObject({ nextCursor: z.string().min(1).nullish() });

/**
 * Reads a list. Pages are read one after another and nothing holds them together: a row that is added or removed
 * meanwhile may or may not show, but none shows twice, because a cursor continues behind the last key.
 */
export async function readList<T>(api: Api, request: ListRequest<T>): Promise<Listing<T>> {
  const { path, key, row, query, limit = Number.POSITIVE_INFINITY } = request;
  const rawRows: unknown[] = [];
  const rows: T[] = [];
  let first: Record<string, unknown> | undefined;
  let cursor: string | undefined;
  do {
    const { value: page } = await api.get(path, pageForm, {
      ...query,
      cursor,
      // Without a limit the agent chooses the size of its pages.
      limit: limit === Number.POSITIVE_INFINITY ? undefined : Math.min(limit - rows.length, PAGE_LIMIT_MAX),
    });
    const raw = api.understand(z.object({ [key]: z.array(z.unknown()) }), page)[key] ?? [];
    for (const each of raw) {
      rawRows.push(each);
      rows.push(api.understand(row, each));
    }
    first ??= page;
    const next = page.nextCursor ?? undefined;
    if (next !== undefined && next === cursor) {
      throw new CliFailure(
        exitCode.error,
        `the list does not end: the agent answered cursor ${cursor} with itself`,
      );
    }
    cursor = next;
  } while (cursor !== undefined && rows.length < limit);

  const { nextCursor: _, ...rest } = first;
  const hasMore = cursor !== undefined;
  return { rows, body: { ...rest, [key]: rawRows, ...(hasMore ? { nextCursor: cursor } : {}) }, hasMore };
}
