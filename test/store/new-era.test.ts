// A new era, on both backends: above every epoch that a lost history may have given out, and nothing of it goes on.
import { sql } from 'drizzle-orm';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { fence } from '../../src/app/store-tools.ts';
import { EPOCHS_PER_ERA } from '../../src/domain/limits.ts';
import type { Reclaim } from '../../src/store/leases.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { type NewEraOptions, type NewEraOutcome, openNewEra } from '../../src/store/era/new-era.ts';
import { PostgresDatabase } from '../../src/store/postgres/database.ts';
import { postgresDialect } from '../../src/store/postgres/dialect.ts';
import { openPostgresForEra } from '../../src/store/postgres/era-database.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import type { Dialect } from '../../src/store/sql/dialect.ts';
import { eventually } from '../support/eventually.ts';
import { schemaOfTest } from '../support/schema.ts';
import { attemptMs, type SqlRow } from './contract/backend.ts';
import {
  expectMisconfigured,
  expectRefusal,
  join,
  ledPartition,
  orders,
  segment,
  take,
  topic,
} from './contract/samples.ts';
import { openStore, prompt, temporaryFile } from './contract/sqlite-backend.ts';

const url = inject('postgresTargets')[0]?.url ?? '';

interface Place {
  readonly url: string;
  readonly schema: string;
  store(group: string): Promise<MetadataStore>;
  sql(text: string): Promise<readonly SqlRow[]>;
}

async function sqlite(): Promise<Place> {
  const file = temporaryFile();
  const { sql } = prompt(file);
  return {
    url: `sqlite:${file}`,
    schema: 'none',
    store: (group) => openStore(file, { group }),
    sql: async (text) => sql(text),
  };
}

async function postgres(): Promise<Place> {
  const { schema, client } = await schemaOfTest(url);
  return {
    url,
    schema,
    async store(group) {
      const at = { connectionString: url, directConnectionString: url, applicationName: 'era', attemptMs };
      const store = await openPostgresStore({ ...at, schema, group, poolMax: 4, migrate: true });
      onTestFinished(() => store[Symbol.asyncDispose]());
      return store;
    },
    sql: async (text) => (await client.query<SqlRow>(text)).rows,
  };
}

/** The words of a server that has been promoted. */
function laterTimeline(schema: string, timeline: number): Dialect {
  const dialect = postgresDialect(schema);
  const history = sql`(select system_identifier, ${sql.raw(String(timeline))}::bigint as timeline, position from ${dialect.history} as real)`;
  return { ...dialect, history };
}

const defaults: NewEraOptions = { above: 0, force: false, confirm: async () => true };

async function opened(place: Place, options: Partial<NewEraOptions> = {}) {
  const outcome = await newEra(place, options);
  if (outcome.outcome !== 'opened') throw new Error('expected a new era');
  return outcome;
}

function newEra({ url: at, schema }: Place, options: Partial<NewEraOptions> = {}): Promise<NewEraOutcome> {
  return fence(at, { schema, caFile: undefined, ...defaults, ...options });
}

/** As a backup shows them later: nobody has heard of these agents for long. */
const silence = 'update sessions set expires_at = registered_at';
const endOfQuarantine = 'update era set quarantine_ms = 0';
const eraRow = 'select number, since from era';

describe.each([
  ['sqlite', sqlite],
  ['postgres', postgres],
] as const)('%s', (_name, make) => {
  test('all that was given out before is refused, and all that is given out after is above', async () => {
    const place = await make();
    const store = await place.store('g');
    const other = await place.store('other');
    const { sessionId, fence: old } = await ledPartition(store);
    await store.appendSegments(old, 'orders', 0, [segment(0, 9)]);
    const role = { kind: 'role', name: 'compactor' } as const;
    const roleSession = await join(other, 'b');
    await take(other, roleSession, role);
    const before = (await store.currentEra()).number;
    for (const [each, session] of [
      [store, sessionId],
      [other, roleSession],
    ] as const)
      await each.heartbeat(session);

    await place.sql(silence);
    const outcome = await opened(place);
    expect(outcome).toMatchObject({ era: before, nextEra: before + 1, epochMax: old.epoch });
    expect(outcome.sessions).toMatchObject([
      { agentId: 'a', group: 'g', isLive: false, leases: 1 },
      { agentId: 'b', group: 'other', isLive: false, leases: 1 },
    ]);

    const lost = { outcome: 'session_lost', reason: 'new_era', era: before + 1 };
    expect([await store.heartbeat(sessionId), await other.heartbeat(roleSession)]).toEqual([lost, lost]);
    await expect(store.appendSegments(old, 'orders', 0, [segment(10, 19)])).rejects.toMatchObject({
      name: 'Refusal',
    });
    expect(await place.sql('select end_reason from lease_history')).toEqual([
      { end_reason: 'removed' },
      { end_reason: 'removed' },
    ]);
    await place.sql(endOfQuarantine);
    const next = await join(store, 'a');
    const epoch = await take(store, next, orders);
    expect(epoch).toBe((before + 1) * EPOCHS_PER_ERA);
    expect(await take(other, await join(other, 'c'), role)).toBe(epoch);
    await expectRefusal(store.appendSegments(old, 'orders', 0, [segment(10, 19)]), 'fenced', {
      currentEpoch: epoch,
    });
    await store.appendSegments({ sessionId: next, epoch }, 'orders', 0, [segment(10, 19)]);
  });

  test('agents that run are in the way, also one that comes after the question, unless forced', async () => {
    const place = await make();
    const store = await place.store('g');
    const { sessionId, fence: old } = await ledPartition(store);
    const row = await place.sql(eraRow);
    let asked = 0;
    const confirm = async () => {
      asked += 1;
      return true;
    };
    await expect(newEra(place, { confirm })).rejects.toMatchObject({
      name: 'NewEraRefused',
      message: expect.stringMatching(/agents run on this store: a \(group g\);.*--force/),
    });
    expect(asked).toBe(0);
    await place.sql(silence);
    const comes = async () => {
      await join(store, 'late');
      return true;
    };
    await expect(newEra(place, { confirm: comes })).rejects.toThrow(/agents run on this store: late/);
    expect(await place.sql(eraRow)).toEqual(row);
    expect(await store.heartbeat(sessionId)).toMatchObject({ outcome: 'renewed' });
    await store.appendSegments(old, 'orders', 0, [segment(0, 9)]);

    expect(await newEra(place, { force: true, confirm: async () => false })).toEqual({
      outcome: 'not_confirmed',
    });
    expect(await place.sql(eraRow)).toEqual(row);
    const { sessions } = await opened(place, { force: true });
    expect(sessions.map(({ agentId, isLive }) => [agentId, isLive])).toEqual([
      ['a', true],
      ['late', true],
    ]);
    expect(await store.heartbeat(sessionId)).toMatchObject({ outcome: 'session_lost' });
    expect(await place.sql('select 1 from leases where session_id is not null')).toEqual([]);
  });

  test('an epoch that somebody has seen, and one that only a floor keeps, are below it', async () => {
    const place = await make();
    const store = await place.store('g');
    await store.createTopic(topic('orders'));
    expect(await opened(place, { above: 7 * EPOCHS_PER_ERA + 5 })).toMatchObject({ nextEra: 8 });
    // Lower than what the store has: counts for nothing.
    expect(await opened(place, { above: 5 })).toMatchObject({ era: 8, nextEra: 9 });
    await place.sql(
      `insert into epoch_floors (group_name, kind, name, epoch) values ('g', 'partition', 'gone', ${12 * EPOCHS_PER_ERA})
       returning epoch`,
    );
    expect(await opened(place)).toMatchObject({ epochMax: 12 * EPOCHS_PER_ERA, nextEra: 13 });
    expect(await take(store, await join(store, 'a'), orders)).toBe(13 * EPOCHS_PER_ERA);
    await place.sql(silence);
    await expect(newEra(place, { above: Number.MAX_SAFE_INTEGER })).rejects.toThrow(/no era above/);
    expect((await store.currentEra()).number).toBe(13);
  });

  test('a store that agents refuse is refused', async () => {
    const place = await make();
    await place.store('g');
    await place.sql('update store_info set min_compatible = 1000000 returning 1 as done');
    await expectMisconfigured(newEra(place), /a copy into this store is not finished/);
  });
});

describe.each([
  ['sqlite', sqlite],
  ['postgres', postgres],
] as const)('%s: the quarantine of a new era', (_name, make) => {
  test('what an agent trusted it may have back at once, in this era; others wait for the longest TTL', async () => {
    const place = await make();
    const store = await place.store('g');
    await ledPartition(store);
    const before = (await store.currentEra()).number;
    await place.sql('update sessions set ttl_ms = 90000');
    await place.sql(silence);
    await opened(place);
    const era = await store.currentEra();
    expect(era).toMatchObject({ number: before + 1, quarantineMs: 90_000 });
    expect(era.quarantineRestMs).toBeGreaterThan(0);
    expect(era.quarantineRestMs).toBeLessThanOrEqual(90_000);
    const [a, b] = [await join(store, 'a'), await join(store, 'b')];
    const role = { kind: 'role', name: 'compactor' } as const;
    const had = async (session: string, reclaim?: Reclaim) => {
      const { outcomes, holdingsVersion } = await store.acquireLeases(session, [orders, role], reclaim);
      expect(holdingsVersion === undefined).toBe(outcomes.every(({ outcome }) => outcome !== 'granted'));
      return outcomes;
    };

    for (const answer of await had(b)) {
      expect(answer).toEqual({ outcome: 'quarantined', key: answer.key, forMs: expect.any(Number) });
      if (answer.outcome !== 'quarantined') continue;
      expect(answer.forMs).toBeGreaterThan(0);
      expect(answer.forMs).toBeLessThanOrEqual(90_000);
    }
    const trusted: Reclaim = { era: era.number, has: ({ kind }) => kind === 'partition' };
    for (const { outcome } of await had(b, { ...trusted, era: before })) expect(outcome).not.toBe('granted');
    expect(await had(a, trusted)).toMatchObject([
      { outcome: 'granted', epoch: era.number * EPOCHS_PER_ERA },
      { outcome: 'quarantined' },
    ]);
    expect(await had(b)).toMatchObject([{ outcome: 'held', holder: 'a' }, { outcome: 'quarantined' }]);

    await place.sql(endOfQuarantine);
    expect((await store.currentEra()).quarantineRestMs).toBe(0);
    expect(await had(b)).toMatchObject([{ outcome: 'held' }, { outcome: 'granted' }]);
  });

  test('an agent that finds the store older than it was opens an era above all that it knew', async () => {
    const place = await make();
    const [store, other] = [await place.store('g'), await place.store('g')];
    const { sessionId, fence: old } = await ledPartition(store);
    const bystander = await join(other, 'b');
    await place.sql('update era set number = 6');
    expect(await store.heartbeat(sessionId)).toMatchObject({ outcome: 'renewed', era: 6 });
    await place.sql('update era set number = 3');
    expect(await other.heartbeat(bystander)).toMatchObject({ outcome: 'renewed', era: 3 });
    expect(await store.heartbeat(sessionId)).toEqual({ outcome: 'session_lost', reason: 'new_era', era: 7 });
    expect(await other.heartbeat(bystander)).toMatchObject({ reason: 'new_era', era: 7 });
    expect(await store.currentEra()).toMatchObject({ number: 7, quarantineMs: 60_000 });
    await expectRefusal(store.appendSegments(old, 'orders', 0, [segment(0, 9)]), 'no_lease');
  });
});

test('a file that is not there is not made', async () => {
  await expectMisconfigured(
    newEra({ ...(await sqlite()), url: `sqlite:${temporaryFile()}.none` }),
    /there is no/,
  );
});

describe('on PostgreSQL', () => {
  test('the era follows the timeline, and notes whose data it is of', async () => {
    const place = await postgres();
    await place.store('g');
    const at = { connectionString: url, applicationName: 'era', attemptMs, schema: place.schema };
    await using database = await openPostgresForEra(at);
    await place.sql('update era set system_identifier = null, timeline = null');
    expect(await openNewEra(database, defaults)).toMatchObject({ nextEra: 2 });
    const noted = 'select system_identifier::text as system, timeline from era';
    expect(await place.sql(noted)).toEqual([{ system: expect.stringMatching(/^\d{15,}$/), timeline: '1' }]);
    await using promoted = new PostgresDatabase(laterTimeline(place.schema, 41), { ...at, poolMax: 1 });
    expect(await openNewEra({ ...database, db: promoted }, defaults)).toMatchObject({ nextEra: 41 });
    expect(await place.sql(noted)).toMatchObject([{ timeline: '41' }]);
  });

  test('a grant that begins while the era is being opened is above it', async () => {
    const place = await postgres();
    const store = await place.store('g');
    await store.createTopic(topic('orders'));
    // Holds the fence up where it has done everything else.
    await place.sql('begin');
    await place.sql('select number from era for update');
    const opening = opened(place);
    const waiting = async () => {
      // Inside a transaction what is seen of other connections stays as it was at the first look.
      await place.sql('select pg_stat_clear_snapshot()');
      // Behind this connection or behind one that is: others on this server wait for other things.
      const [row] = await place.sql(
        `with recursive behind as (
           select pid from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))
           union
           select a.pid from behind join pg_stat_activity a on behind.pid = any (pg_blocking_pids(a.pid)))
         select count(*)::int as count from behind`,
      );
      return Number(row?.['count']);
    };
    await eventually(async () => (await waiting()) === 1);
    const session = await join(store, 'new');
    let isGranted = false;
    const grant = take(store, session, orders).finally(() => (isGranted = true));
    await eventually(async () => isGranted || (await waiting()) === 2);
    await place.sql('commit');
    const { nextEra } = await opening;
    expect(await grant).toBe(nextEra * EPOCHS_PER_ERA);
    expect(await store.heartbeat(session)).toMatchObject({ outcome: 'renewed' });
  });

  test('a write that does not end is waited for, but not for ever, and nothing is changed', async () => {
    const place = await postgres();
    const store = await place.store('g');
    const { sessionId } = await ledPartition(store);
    const row = await place.sql(eraRow);
    await place.sql('begin');
    await place.sql('select epoch from leases for no key update');
    const at = { connectionString: url, applicationName: 'era', attemptMs: 2_000, schema: place.schema };
    await using database = await openPostgresForEra(at);
    await expect(openNewEra(database, { ...defaults, force: true })).rejects.toMatchObject({
      name: 'StoreUnavailable',
    });
    expect(await store.heartbeat(sessionId)).toMatchObject({ outcome: 'renewed' });
    await place.sql('commit');
    expect(await place.sql(eraRow)).toEqual(row);
    expect(await openNewEra(database, { ...defaults, force: true })).toMatchObject({ outcome: 'opened' });
  });
});
