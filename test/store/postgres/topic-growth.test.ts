// What a large topic costs beside its rows: the ANALYZE of the tables that grew, for which nobody waits, and which is over when the store is.
import pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { Statistics } from '../../../src/store/postgres/statistics.ts';
import type { TableName } from '../../../src/store/sql/dialect.ts';
import { eventually } from '../../support/eventually.ts';
import { createOrders } from './cast.ts';
import { Stage } from './stage.ts';

const many = 1_000;

const known = `select reltuples from pg_class where oid = 'leases'::regclass`;

describe.each(inject('postgresTargets').map(({ name, url }) => [name, url] as const))('%s', (_name, url) => {
  test('a large topic is answered before its tables are analyzed, which is then done', async () => {
    await using stage = await Stage.open(url);
    await stage.query(
      'alter table leases set (autovacuum_enabled = off); alter table partitions set (autovacuum_enabled = off)',
    );
    const store = await stage.store('store');
    const holding = new pg.Client({ connectionString: stage.url });
    await holding.connect();
    try {
      await holding.query(`begin; lock table "${stage.schema}".leases in share update exclusive mode`);
      await createOrders(store, many);
      expect(await stage.number(known)).toBeLessThanOrEqual(0);
      await holding.query('commit');
    } finally {
      await holding.end();
    }
    await eventually(async () => (await stage.number(known)) === many, { what: 'leases to be analyzed' });
  });
});

/** An ANALYZE that ends when it is told to. */
class Held {
  readonly asked: (readonly TableName[])[] = [];
  private readonly ends: ((error?: Error) => void)[] = [];

  readonly analyze = (tables: readonly TableName[]): Promise<void> => {
    this.asked.push(tables);
    return new Promise((resolve, reject) => {
      this.ends.push((error) => (error ? reject(error) : resolve()));
    });
  };

  end(error?: Error): void {
    this.ends.shift()?.(error);
  }
}

test('what is asked for while tables are analyzed is done once more, together', async () => {
  const held = new Held();
  const statistics = new Statistics(held.analyze);
  const all = [
    statistics.refresh(['leases']),
    statistics.refresh(['partitions']),
    statistics.refresh(['leases']),
  ];
  expect(held.asked).toEqual([['leases']]);
  held.end(new Error('another is at it'));
  await eventually(() => held.asked.length === 2, { what: 'the second' });
  held.end();
  await Promise.all(all);
  expect(held.asked).toEqual([['leases'], ['leases', 'partitions']]);
});

test('a close waits for what has begun, and nothing begins after it', async () => {
  const held = new Held();
  const statistics = new Statistics(held.analyze);
  const asked = statistics.refresh(['leases']);
  void statistics.refresh(['partitions']);
  const closing = statistics[Symbol.asyncDispose]();
  expect(await Promise.race([closing.then(() => 'closed'), Promise.resolve('waiting')])).toBe('waiting');
  held.end();
  await Promise.all([asked, closing]);
  await statistics.refresh(['leases']);
  expect(held.asked).toEqual([['leases']]);
});
