// What another agent changed is seen through the signals as they are, LISTEN/NOTIFY and the poll of the file. Time stands still for the cache:
// nothing grows old by itself.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/platform/clock.ts';
import { PostgresSignals } from '../../../src/signals/postgres-signals.ts';
import type { Signals } from '../../../src/signals/signals.ts';
import { SqliteSignals } from '../../../src/signals/sqlite-signals.ts';
import { StoreCache } from '../../../src/store/cache/store-cache.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { openPostgresStore } from '../../../src/store/postgres/open.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { recordingLogger, storeOptions } from '../../coordination/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { startProxy } from '../../support/proxy.ts';
import { dropSchema, freshSchemaName } from '../../support/schema.ts';
import { join, orders, segment, take, topic } from '../contract/samples.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

function postgresSignals(schema: string, port: number): PostgresSignals {
  const through = new URL(url);
  through.port = String(port);
  const signals = new PostgresSignals(
    { clock: systemClock, log: recordingLogger([]), random: Math.random },
    {
      locate: () => Promise.resolve({ connectionString: through.href }),
      schema,
      group: 'default',
      applicationName: 'streamhouse test',
      attemptMs: 1_000,
      silenceMs: 5_000,
      deafAfterMs: 60_000,
    },
  );
  signals.start();
  onTestFinished(() => signals[Symbol.asyncDispose]());
  return signals;
}

function cacheOver(store: MetadataStore, signals: Signals) {
  const results: string[] = [];
  const cache = new StoreCache(store, {
    clock: { monotonicMs: () => 0 },
    signals,
    count: (name, result) => results.push(`${name} ${result}`),
  });
  onTestFinished(() => cache[Symbol.dispose]());
  return { lookups: cache.lookups, results };
}

/** Asks again and again for what one change after the other of another agent should show. */
async function seesEverything(
  { lookups }: Pick<StoreCache, 'lookups'>,
  theirs: MetadataStore,
  publish: Signals['publish'],
): Promise<void> {
  const route = () => lookups.getLease(orders);
  const find = () => lookups.findSegment('orders', 0, 0);
  expect(await lookups.getTopic('orders')).toBeUndefined();
  await theirs.createTopic(topic('orders'));
  publish('topics');
  await eventually(() => lookups.getTopic('orders'));
  expect([await route(), await find()]).toMatchObject([{ agentId: null }, { result: 'at_end' }]);
  const sessionId = await join(theirs, 'b');
  const fence = { sessionId, epoch: await take(theirs, sessionId, orders) };
  publish('routes');
  await eventually(async () => (await route())?.agentId === 'b');
  await theirs.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
  await theirs.deleteSegmentsBefore('orders', 0, 10, 10);
  publish('segments');
  await eventually(async () => (await find()).result === 'before_start');
  await theirs.deleteTopic('orders');
  publish('topics');
  // Each has a moment of its own in which it was read for the last time.
  await eventually(async () => (await lookups.getTopic('orders')) === undefined);
  await eventually(async () => (await route()) === undefined);
}

test('on PostgreSQL, from the other agent’s signals; cut off from them, nothing comes from memory', async () => {
  const schema = freshSchemaName();
  const ours = await openPostgresStore(storeOptions(url, schema));
  onTestFinished(async () => {
    await ours[Symbol.asyncDispose]();
    await dropSchema(url, schema);
  });
  const proxy = await startProxy(Number(new URL(url).port));
  onTestFinished(() => proxy.close());
  const signals = postgresSignals(schema, proxy.port);
  const there = postgresSignals(schema, Number(new URL(url).port));
  const here = cacheOver(ours, signals);
  await eventually(() => signals.health().ok && there.health().ok);
  // Past our cache, as another agent's writes are.
  await seesEverything(here, ours, (kind) => there.publish(kind));

  expect(await here.lookups.getTopic('deaf')).toBeUndefined();
  proxy.mode = 'refuse';
  proxy.cutAll();
  await eventually(() => !signals.health().ok);
  await ours.createTopic(topic('deaf'));
  here.results.length = 0;
  expect(await here.lookups.getTopic('deaf')).toBeDefined();
  expect(here.results).toEqual(['topic bypass']);
  proxy.mode = 'pass';
  await eventually(() => signals.health().ok);
  expect(await here.lookups.getTopic('deaf')).toBeDefined();
});

test('on SQLite, from the poll of the file', async () => {
  const directory = mkdtempSync(joinPath(tmpdir(), 'streamhouse-cache-'));
  const options = { file: joinPath(directory, 'store.db'), group: 'default', attemptMs: 5_000 };
  const ours = await openSqliteStore({ ...options, migrate: true });
  const theirs = await openSqliteStore({ ...options, migrate: false });
  const signals = new SqliteSignals(
    {
      clock: systemClock,
      dataVersion: () => ours.dataVersion(),
      digest: async () => ({ generation: await ours.assignmentGeneration(), members: '' }),
    },
    { quietMs: 5, busyMs: 5, busyForMs: 5 },
  );
  signals.start();
  onTestFinished(async () => {
    await signals[Symbol.asyncDispose]();
    await ours[Symbol.asyncDispose]();
    await theirs[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  await seesEverything(cacheOver(ours, signals), theirs, () => undefined);
});
