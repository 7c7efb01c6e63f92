// The tools that open stores by URL: part of the composition root, since they know both backends.
import { resolve } from 'node:path';
import { sqliteFile } from '../config/parse.ts';
import type { CopyDatabase } from '../store/copy/copy-database.ts';
import { copyStore, type CopyOutcome } from '../store/copy/copy-store.ts';
import type { CopyOptions } from '../store/copy/plan.ts';
import { openPostgresForCopy } from '../store/postgres/copy-database.ts';
import { openSqliteForCopy } from '../store/sqlite/copy-database.ts';

/** Bound of one statement of a copy, milliseconds: a batch, or counting and analysing a table. */
const copyAttemptMs = 120_000;

export interface CopyOfStores extends CopyOptions {
  /** PostgreSQL schema of either store. */
  readonly fromSchema: string;
  readonly toSchema: string;
  readonly caFile: string | undefined;
}

/** `streamhouse db copy`. */
export async function copy(from: string, to: string, options: CopyOfStores): Promise<CopyOutcome> {
  const { fromSchema, toSchema, caFile } = options;
  await using source = await openForCopy(from, fromSchema, caFile, true);
  await using target = await openForCopy(to, toSchema, caFile, false);
  // Awaited here: both are closed when this returns.
  return await copyStore(source, target, options);
}

async function openForCopy(
  url: string,
  schema: string,
  caFile: string | undefined,
  readOnly: boolean,
): Promise<CopyDatabase> {
  if (url.startsWith('sqlite:')) {
    return openSqliteForCopy({ file: resolve(sqliteFile(url)), attemptMs: copyAttemptMs, readOnly });
  }
  return openPostgresForCopy({
    connectionString: url,
    applicationName: 'streamhouse db copy',
    attemptMs: copyAttemptMs,
    caFile,
    schema,
    readOnly,
  });
}
