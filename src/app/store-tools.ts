// The tools that open stores by URL: part of the composition root, since they know both backends.
import { resolve } from 'node:path';
import { sqliteFile } from '../config/parse.ts';
import { deriveTimeBudget } from '../domain/time-budget.ts';
import { systemClock } from '../platform/clock.ts';
import type { CopyDatabase } from '../store/copy/copy-database.ts';
import { copyStore, type CopyOutcome } from '../store/copy/copy-store.ts';
import type { CopyOptions } from '../store/copy/plan.ts';
import { type NewEraOptions, type NewEraOutcome, openNewEra } from '../store/era/new-era.ts';
import type { Finding } from '../store/finding.ts';
import { openPostgresForCopy } from '../store/postgres/copy-database.ts';
import { examinePostgres } from '../store/postgres/doctor/doctor.ts';
import { openPostgresForEra } from '../store/postgres/era-database.ts';
import { openSqliteForCopy } from '../store/sqlite/copy-database.ts';
import { examineSqlite } from '../store/sqlite/doctor/doctor.ts';
import { openSqliteForEra } from '../store/sqlite/era-database.ts';

/** Bound of one statement of a copy, milliseconds: a batch, or counting and analysing a table. */
const copyAttemptMs = 120_000;

export interface CopyOfStores extends CopyOptions {
  /** PostgreSQL schema of either store. */
  readonly fromSchema: string;
  readonly toSchema: string;
  readonly caFile: string | undefined;
}

/** Bound of one question of the doctor, milliseconds: longer than an agent's, so that what is slow can be told. */
const doctorAttemptMs = 10_000;
/** Transactions from this age on hold up the cleaning behind heartbeats, milliseconds. */
const oldTransactionMs = 60_000;
const freeSpaceMin = 2 ** 30;
const walMax = 64 * 2 ** 20;

/** Bound of a statement of the fence, milliseconds. Waiting for leases that others write is part of it, and holds up all who come later. */
const fenceAttemptMs = 10_000;

export interface NewEraOfStore extends NewEraOptions {
  readonly schema: string;
  readonly caFile: string | undefined;
}

export interface Examination {
  readonly schema: string;
  readonly caFile: string | undefined;
  readonly directUrl: string | undefined;
  readonly ttlMs: number;
  readonly detectsCrashes: boolean;
  readonly poolMax: number;
}

/** `streamhouse db doctor`. */
export async function doctor(url: string, options: Examination): Promise<readonly Finding[]> {
  const { schema, caFile, directUrl = url, ttlMs, detectsCrashes, poolMax } = options;
  if (url.startsWith('sqlite:')) {
    const file = resolve(sqliteFile(url));
    return examineSqlite({ file, attemptMs: doctorAttemptMs, freeMin: freeSpaceMin, walMax });
  }
  const derived = deriveTimeBudget({ ttlMs });
  if (derived.outcome === 'broken') throw new Error(derived.problem);
  return examinePostgres({
    connectionString: url,
    directConnectionString: directUrl,
    applicationName: 'streamhouse db doctor',
    attemptMs: doctorAttemptMs,
    caFile,
    schema,
    ttlMs,
    statementMs: derived.budget.attemptMs,
    detectsCrashes,
    poolMax,
    oldMs: oldTransactionMs,
    clock: systemClock,
  });
}

/** `streamhouse db copy`. */
export async function copy(from: string, to: string, options: CopyOfStores): Promise<CopyOutcome> {
  const { fromSchema, toSchema, caFile } = options;
  await using source = await openForCopy(from, fromSchema, caFile, true);
  await using target = await openForCopy(to, toSchema, caFile, false);
  // Awaited here: both are closed when this returns.
  return await copyStore(source, target, options);
}

/** `streamhouse db fence --new-era`. */
export async function fence(url: string, options: NewEraOfStore): Promise<NewEraOutcome> {
  const { schema, caFile } = options;
  const attemptMs = fenceAttemptMs;
  await using store = url.startsWith('sqlite:')
    ? await openSqliteForEra({ file: resolve(sqliteFile(url)), attemptMs })
    : await openPostgresForEra({
        connectionString: url,
        applicationName: 'streamhouse db fence',
        attemptMs,
        caFile,
        schema,
      });
  // Awaited here: the store is closed when this returns.
  return await openNewEra(store, options);
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
