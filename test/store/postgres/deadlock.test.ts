// Lock order keeps our transactions out of each other's way; what deadlocks all the same did nothing, and runs again.
import { sql } from 'drizzle-orm';
import { expect, inject, test } from 'vitest';
import { PostgresDatabase } from '../../../src/store/postgres/database.ts';
import { postgresDialect } from '../../../src/store/postgres/dialect.ts';
import { nothing, statement } from '../../../src/store/sql/statement.ts';
import { eventually } from '../../support/eventually.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

/** An advisory lock is as good as a row's: the server looks for circles among all of them. */
const lock = statement<{ key: number }>(
  'lock',
  (d) => sql`select pg_advisory_xact_lock(${d.parameter('key', 'bigint')})::text`,
  nothing,
);

/** By default the server looks for a circle after a second. */
const lookSoon = statement('look_soon', () => sql`set local deadlock_timeout = '20ms'`, nothing);

test('of two transactions that wait for each other both are done in the end', async () => {
  await using database = new PostgresDatabase(postgresDialect('public'), {
    connectionString: url,
    applicationName: 'streamhouse test',
    attemptMs: 20_000,
    poolMax: 2,
  });
  const base = 1 + Math.floor(Math.random() * 1e15);
  let begun = 0;
  const work = (first: number, second: number): Promise<string> =>
    database.transaction(async (tx) => {
      await tx.all(lookSoon, {});
      await tx.all(lock, { key: base + first });
      begun += 1;
      await eventually(() => begun >= 2, { everyMs: 5 });
      await tx.all(lock, { key: base + second });
      return 'done';
    });
  const ends = await Promise.allSettled([work(0, 1), work(1, 0)]);
  expect(ends).toMatchObject([{ value: 'done' }, { value: 'done' }]);
  // Both began, and the one that was chosen to break the circle once more.
  expect(begun).toBe(3);
});
