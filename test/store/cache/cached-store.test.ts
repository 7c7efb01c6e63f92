// Two agents' clients on one PostgreSQL, each with a cache of its own, told of each other's changes by real signals.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { partitionKey } from '../../../src/domain/lease.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { PostgresSignals } from '../../../src/signals/postgres-signals.ts';
import { StoreCache } from '../../../src/store/cache/cached-store.ts';
import { openPostgresStore } from '../../../src/store/postgres/open.ts';
import { recordingLogger, storeOptions } from '../../coordination/cluster.ts';
import { describeAgent } from '../../coordination/stage.ts';
import { eventually } from '../../support/eventually.ts';
import { type FaultProxy, startProxy } from '../../support/proxy.ts';
import { dropSchema, freshSchemaName } from '../../support/schema.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = freshSchemaName();

/** Entries do not grow old by themselves here: what is read anew is so because something was heard, or stands on it. */
class Side implements AsyncDisposable {
  readonly results: string[] = [];
  readonly proxy: FaultProxy;
  readonly real: Awaited<ReturnType<typeof openPostgresStore>>;
  readonly signals: PostgresSignals;
  readonly cache: StoreCache;
  nowMs = 0;

  private constructor(proxy: FaultProxy, real: Side['real']) {
    this.proxy = proxy;
    this.real = real;
    const through = new URL(url);
    through.port = String(proxy.port);
    this.signals = new PostgresSignals(
      { clock: systemClock, log: recordingLogger([]), random: Math.random },
      {
        connectionString: through.href,
        schema,
        group: 'default',
        applicationName: 'streamhouse test',
        attemptMs: 1_000,
        probeMs: 5_000,
        deafAfterMs: 60_000,
      },
    );
    this.signals.start();
    this.cache = new StoreCache(real, {
      clock: { monotonicMs: () => this.nowMs },
      signals: this.signals,
      count: (cache, result) => this.results.push(`${cache} ${result}`),
    });
  }

  static async open(): Promise<Side> {
    const proxy = await startProxy(Number(new URL(url).port));
    const side = new Side(proxy, await openPostgresStore({ ...storeOptions(url, schema), migrate: false }));
    await eventually(() => side.signals.health().ok);
    return side;
  }

  get store() {
    return this.cache.store;
  }

  /** How the reads of a piece of work ended. */
  async resultsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
    const before = this.results.length;
    await work();
    return this.results.slice(before);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cache[Symbol.dispose]();
    await this.signals[Symbol.asyncDispose]();
    await this.real[Symbol.asyncDispose]();
    await this.proxy.close();
  }
}

let here: Side;
let there: Side;

beforeAll(async () => {
  await (await openPostgresStore(storeOptions(url, schema)))[Symbol.asyncDispose]();
  [here, there] = await Promise.all([Side.open(), Side.open()]);
});

afterAll(async () => {
  await Promise.all([here, there].map((side) => side[Symbol.asyncDispose]()));
  await dropSchema(url, schema);
});

const topic = (name: string) => ({ name, partitionCount: 2, retentionMs: null, config: {} });

async function lead(side: Side, agentId: string, name: string) {
  const sessionId = randomUUID();
  await side.real.registerSession({
    sessionId,
    agent: describeAgent(agentId),
    ttlMs: 30_000,
    process: agentId,
    serving: 'serving',
  });
  const { outcomes } = await side.real.acquireLeases(sessionId, [partitionKey(name, 0)]);
  const [grant] = outcomes;
  if (grant?.outcome !== 'granted') throw new Error('not granted');
  return { sessionId, epoch: grant.epoch };
}

const segment = (baseOffset: number) => {
  const endOffset = baseOffset + 9;
  return {
    id: `s${baseOffset}`,
    baseOffset,
    endOffset,
    recordCount: 10,
    sizeBytes: 1,
    bucket: 'b',
    key: 'k',
  };
};

test('what is read twice is read once, and "there is none" until somebody makes it', async () => {
  const read = () => here.store.getTopic('made-there');
  expect(await here.resultsOf(async () => [await read(), await read()])).toEqual(['topic miss', 'topic hit']);
  await there.store.createTopic(topic('made-there'));
  there.signals.publish('topics');
  expect(await eventually(read)).toMatchObject({ partitionCount: 2 });
});

test('a grant, an append and a removal of another agent are seen when they are told of', async () => {
  await there.store.createTopic(topic('led'));
  there.signals.publish('topics');
  await eventually(() => here.store.getPartition('led', 0));
  const route = () => here.store.getLease(partitionKey('led', 0));
  expect((await route())?.agentId).toBeNull();
  const fence = await lead(there, 'leader', 'led');
  there.signals.publish('routes');
  await eventually(async () => (await route())?.agentId === 'leader');

  expect(await here.store.findSegment('led', 0, 0)).toEqual({ result: 'at_end', highWatermark: 0 });
  await there.store.appendSegments(fence, 'led', 0, [segment(0), segment(10)]);
  here.nowMs += 101;
  expect(await here.store.findSegment('led', 0, 15)).toMatchObject({ segment: { id: 's10' } });
  expect(await here.store.findSegment('led', 0, 5)).toMatchObject({ segment: { id: 's0' } });
  await there.store.deleteSegmentsBefore('led', 0, 10, 100);
  there.signals.publish('segments');
  await eventually(async () => (await here.store.findSegment('led', 0, 5)).result === 'before_start');
});

test('what one changes itself it sees at once, whatever it remembers', async () => {
  const { store } = here;
  await store.getTopic('own');
  await store.createTopic(topic('own'));
  expect(await store.getTopic('own')).toMatchObject({ partitionCount: 2 });
  const fence = await lead(here, 'own-leader', 'own');
  const places = async () => [
    (await store.getPartition('own', 0))?.highWatermark,
    (await store.findSegment('own', 0, 0)).result,
  ];
  expect(await places()).toEqual([0, 'at_end']);
  await store.appendSegments(fence, 'own', 0, [segment(0)]);
  expect(await places()).toEqual([10, 'found']);
  await store.advanceHighWatermark(fence, 'own', 0, 12);
  expect((await store.getPartition('own', 0))?.highWatermark).toBe(12);
  expect(await store.findSegment('own', 0, 11)).toEqual({ result: 'gap', next: 12 });
  await store.deleteSegmentsBefore('own', 0, 10, 100);
  expect(await store.findSegment('own', 0, 0)).toEqual({ result: 'before_start', startOffset: 10 });
  await store.addPartitions('own', 3);
  expect((await store.getTopic('own'))?.partitionCount).toBe(3);
  await store.deleteTopic('own');
  expect(await store.getTopic('own')).toBeUndefined();
  await expect(store.findSegment('own', 0, 0)).rejects.toThrow(/own/);
});

test("a remembered lease's time runs on", async () => {
  await there.store.createTopic(topic('timed'));
  await lead(there, 'timed-leader', 'timed');
  const left = async () => (await here.store.getLease(partitionKey('timed', 0)))?.expiresInMs ?? 0;
  there.signals.publish('routes');
  await eventually(async () => (await left()) > 0);
  const before = await left();
  here.nowMs += 400;
  expect(await left()).toBe(before - 400);
});

test('while signals are not heard nothing is remembered, and nothing from before is believed', async () => {
  await here.store.getTopic('deaf');
  here.proxy.mode = 'refuse';
  here.proxy.cutAll();
  await eventually(() => !here.signals.health().ok);
  await there.store.createTopic(topic('deaf'));
  expect(await here.resultsOf(async () => expect(await here.store.getTopic('deaf')).toBeDefined())).toEqual([
    'topic bypass',
  ]);
  here.proxy.mode = 'pass';
  await eventually(() => here.signals.health().ok);
  expect(await here.store.getTopic('deaf')).toMatchObject({ name: 'deaf' });
});
