// A segment is found in one statement, which reads a few rows whatever PostgreSQL believes of the table: nobody has analyzed it, or it
// was when it was empty. Counted in rows, as EXPLAIN ANALYZE tells: not in time.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { PostgresDatabase } from '../../../src/store/postgres/database.ts';
import { postgresDialect } from '../../../src/store/postgres/dialect.ts';
import { findSegment } from '../../../src/store/sql/segment-finding.ts';
import { CountingDatabase } from '../counting-database.ts';
import { createOrders, topic } from './cast.ts';
import { ExplainingDatabase, planKinds, type PlanKind } from './explaining-database.ts';
import { Stage } from './stage.ts';

const count = 5_000;
const end = 10 * count;
/** Far from both ends; each segment is of 8 offsets and a gap of 2 behind them. */
const within = end / 2;
const places = [
  ['in a segment', within, 'found'],
  ['in a gap', within + 8, 'gap'],
  ['in the last gap', end - 1, 'gap'],
  ['before the start', 9, 'before_start'],
  ['at the end', end, 'at_end'],
] as const;

describe.each(inject('postgresTargets').map(({ name, url }) => [name, url] as const))('%s', (_name, url) => {
  let stage: Stage;
  let admin: pg.Client;
  let database: PostgresDatabase;

  beforeAll(async () => {
    stage = await Stage.open(url);
    admin = new pg.Client({ connectionString: url });
    await admin.connect();
    database = new PostgresDatabase(postgresDialect(stage.schema), {
      connectionString: stage.url,
      applicationName: 'explained',
      attemptMs: 60_000,
      poolMax: 1,
    });
    await createOrders(await stage.store('store'), 1);
    await stage.query('alter table segments set (autovacuum_enabled = off)');
    await stage.query(`update partitions set high_watermark = ${end}, start_offset = 10`);
    await stage.query(
      `insert into segments (topic_id, partition, base_offset, end_offset, segment_id, record_count, size_bytes, bucket, object_key, epoch)
       select topic_id, 0, n * 10, n * 10 + 7, 's' || n, 8, 1, 'b', 'k', 1 from topics cross join generate_series(1, ${count - 1}) as n`,
    );
  });

  afterAll(async () => {
    await database[Symbol.asyncDispose]();
    await admin.end();
    await stage[Symbol.asyncDispose]();
  });

  const at = (offset: number) => ({ group: 'g', topic, partition: 0, offset });

  async function rowsTouched(offset: number, planKind: PlanKind, edit?: (text: string) => string) {
    const explaining = new ExplainingDatabase(database, { admin, planKind, ...(edit && { edit }) });
    await findSegment(explaining, at(offset));
    const { rowsPassed, rowsRemoved } = explaining;
    return (rowsPassed.get('find_segment') ?? Infinity) + (rowsRemoved.get('find_segment') ?? Infinity);
  }

  test.each(places)('one statement finds what is %s', async (_place, offset, result) => {
    const counting = new CountingDatabase(database);
    const statements = await counting.during(async () => {
      expect(await findSegment(counting, at(offset))).toMatchObject({ result });
    });
    expect(statements).toEqual(['find_segment']);
  });

  describe.each(planKinds)('%s plans', (planKind) => {
    test.each(places)('of a few rows find what is %s', async (_place, offset) => {
      expect(await rowsTouched(offset, planKind)).toBeLessThan(30);
    });
  });

  test('another order than that of the key reads half of the partition', async () => {
    const edit = (text: string) =>
      text.replace('order by s.base_offset desc', 'order by s.base_offset + 0 desc');
    expect(await rowsTouched(within, 'generic', edit)).toBeGreaterThan(count / 4);
  });
});
