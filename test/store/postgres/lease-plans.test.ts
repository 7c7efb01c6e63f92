// A takeover or a release of n leases costs n steps whatever PostgreSQL believes of the tables: before their first ANALYZE it
// expects one row everywhere, and of a session that took all it has since the last one, none. A join that looks free at
// one row is quadratic at a thousand. Counted in rows that were compared and thrown away, as EXPLAIN ANALYZE tells: not in time.
import pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { EraKeeper } from '../../../src/store/era/era-keeper.ts';
import { PostgresDatabase } from '../../../src/store/postgres/database.ts';
import { postgresDialect } from '../../../src/store/postgres/dialect.ts';
import { excludeLeaseWrites } from '../../../src/store/postgres/era-database.ts';
import { PostgresLeaseWrites } from '../../../src/store/postgres/lease-writes.ts';
import { SqlLeases } from '../../../src/store/sql/leases.ts';
import { allOrders, createOrders, join, take } from './cast.ts';
import { ExplainingDatabase, planKinds, type PlanKind } from './explaining-database.ts';
import { Stage } from './stage.ts';

const count = 1_000;
const quadratic = (count * count) / 4;

type Edit = (text: string) => string;

/** The leases of a store whose tables nobody has analyzed since they were filled, and the database that explains them. */
class YoungStore implements AsyncDisposable {
  readonly stage: Stage;
  readonly leases: SqlLeases;
  readonly explained: ExplainingDatabase;
  private readonly admin: pg.Client;
  private readonly database: PostgresDatabase;

  private constructor(stage: Stage, admin: pg.Client, planKind: PlanKind, edit?: Edit) {
    this.stage = stage;
    this.admin = admin;
    this.database = new PostgresDatabase(postgresDialect(stage.schema), {
      connectionString: stage.url,
      applicationName: 'explained',
      attemptMs: 60_000,
      poolMax: 1,
    });
    this.explained = new ExplainingDatabase(this.database, { admin, planKind, ...(edit && { edit }) });
    this.leases = new SqlLeases(
      this.explained,
      new PostgresLeaseWrites(this.explained),
      new EraKeeper(this.explained, { excludeLeaseWrites }),
      'g',
    );
  }

  static async open(url: string, planKind: PlanKind, edit?: Edit): Promise<YoungStore> {
    const stage = await Stage.open(url);
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    await stage.query(`
      alter table leases set (autovacuum_enabled = off);
      alter table lease_history set (autovacuum_enabled = off);
      alter table sessions set (autovacuum_enabled = off)`);
    return new YoungStore(stage, admin, planKind, edit);
  }

  /** Statements that compared more than a few rows for each lease. */
  wasteful(): string[] {
    return [...this.explained.rowsRemoved]
      .filter(([, removed]) => removed > 5 * count)
      .map(([name, removed]) => `${name}: ${removed}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]();
    await this.admin.end();
    await this.stage[Symbol.asyncDispose]();
  }
}

async function takeover(url: string, planKind: PlanKind, edit?: Edit): Promise<YoungStore> {
  const young = await YoungStore.open(url, planKind, edit);
  const store = await young.stage.store('store');
  await createOrders(store, count);
  await take(store, await join(store, 'dead'), allOrders(count));
  await young.stage.query(`update sessions set ended_at = now(), end_reason = 'reaped'`);
  await young.leases.acquireLeases(await join(store, 'successor'), allOrders(count));
  return young;
}

/** In two parts, as a broker's acknowledgements come: none is of half the table, which a plan might read whole. */
async function release(url: string, planKind: PlanKind, edit?: Edit): Promise<YoungStore> {
  const young = await YoungStore.open(url, planKind, edit);
  const store = await young.stage.store('store');
  await createOrders(store, count);
  await young.stage.query('analyze leases');
  const leader = await join(store, 'leader');
  const { terms } = await take(store, leader, allOrders(count));
  await young.leases.releaseLeases(leader, terms.slice(count / 2), 'released');
  await young.leases.releaseLeases(leader, terms.slice(0, count / 2), 'released');
  return young;
}

/** Said as one would first: each lets a plan compare each with each. */
const mutants: { name: string; scene: typeof takeover; statement: string; edit: Edit }[] = [
  {
    name: 'the history is looked up by a constant',
    scene: takeover,
    statement: 'acquire_leases',
    edit: (text) => text.replace('h.group_name = g.group_name', `h.group_name = 'g'`),
  },
  {
    name: 'a session’s own leases are named by "is not distinct from"',
    scene: release,
    statement: 'release_leases',
    edit: (text) =>
      text.replaceAll(/coalesce\(l\.session_id = (\S+), false\)/g, 'l.session_id is not distinct from $1'),
  },
];

describe.each(inject('postgresTargets').map(({ name, url }) => [name, url] as const))('%s', (_name, url) => {
  describe.each(planKinds)('%s plans', (planKind) => {
    test('a takeover compares each lease a few times', async () => {
      await using young = await takeover(url, planKind);
      expect(young.wasteful()).toEqual([]);
    });

    test('a release compares each lease a few times', async () => {
      await using young = await release(url, planKind);
      expect(young.wasteful()).toEqual([]);
    });
  });

  test.each(mutants)('it compares each with each where $name', async ({ scene, statement, edit }) => {
    await using young = await scene(url, 'generic', edit);
    expect(young.explained.rowsRemoved.get(statement)).toBeGreaterThan(quadratic);
  });
});
