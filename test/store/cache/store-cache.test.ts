// Two agents' clients on one database, on both backends, each with a cache of its own. Entries do not grow old by themselves here: what is read
// anew is so because something was done or heard. Every operation that reaches the database is counted.
import { randomUUID } from 'node:crypto';
import { describe, expect, inject, test } from 'vitest';
import { partitionKey } from '../../../src/domain/lease.ts';
import type { SignalKind } from '../../../src/signals/signals.ts';
import { StoreCache } from '../../../src/store/cache/store-cache.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { acquireOne, agent, join, orders, segment, take, topic } from '../contract/samples.ts';
import type { Backend } from '../contract/backend.ts';
import { postgresBackend } from '../contract/postgres-backend.ts';
import { sqliteBackend } from '../contract/sqlite-backend.ts';

/** What signals are to a cache, rung by hand. */
class Bell {
  ok = true;
  private handler: (kind: SignalKind) => void = () => undefined;

  subscribe(handler: (kind: SignalKind) => void): () => void {
    this.handler = handler;
    return () => (this.handler = () => undefined);
  }

  ring(kind: SignalKind): void {
    this.handler(kind);
  }

  tellsOf(): boolean {
    return this.ok;
  }
}

class Side {
  readonly bell = new Bell();
  readonly results: string[] = [];
  /** Operations that reached the database, by name. */
  asked: string[] = [];
  /** What an answer of the database waits for. */
  held: () => Promise<unknown> = () => Promise.resolve();
  nowMs = 0;
  private readonly cache: StoreCache;

  constructor(database: MetadataStore) {
    this.cache = new StoreCache(this.watched(database), {
      clock: { monotonicMs: () => this.nowMs },
      signals: this.bell,
      count: (cache, result) => this.results.push(`${cache} ${result}`),
    });
  }

  get store(): MetadataStore {
    return this.cache.store;
  }

  get lookups() {
    return this.cache.lookups;
  }

  /** What reached the database while `work` ran. */
  async askedBy(work: () => Promise<unknown>): Promise<readonly string[]> {
    this.asked = [];
    await work();
    return this.asked;
  }

  private watched(database: MetadataStore): MetadataStore {
    return new Proxy(database, {
      get: (target, name): unknown => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function' || typeof name === 'symbol') return member;
        return async (...given: unknown[]): Promise<unknown> => {
          this.asked.push(name);
          const answer: unknown = await Reflect.apply(member, target, given);
          await this.held();
          return answer;
        };
      },
    });
  }
}

async function twoSides(backend: Backend): Promise<readonly [here: Side, there: Side]> {
  const database = await backend.database();
  return [new Side(await database.store()), new Side(await database.store())];
}

/** All that a client may look up of `orders/0`. */
function everything({ lookups }: Side): readonly [string, () => Promise<unknown>][] {
  return [
    ['getTopic', () => lookups.getTopic('orders')],
    ['getPartition', () => lookups.getPartition('orders', 0)],
    ['getLease', () => lookups.getLease(orders)],
    ['readLog', () => lookups.findSegment('orders', 0, 0)],
  ];
}

/** Holds all answers back until what it answers is called. */
function holdAnswers(side: Side): () => void {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  side.held = () => released;
  return release;
}

function cacheTests(backend: Backend): void {
  test('what is looked up twice costs the database one question, and none the second time', async () => {
    const [here] = await twoSides(backend);
    await here.store.createTopic(topic('orders'));
    for (const [operation, look] of everything(here)) {
      expect(await here.askedBy(look)).toEqual([operation]);
      expect(await here.askedBy(look)).toEqual([]);
    }
    const names = ['topic', 'partition', 'lease', 'segment'];
    expect(here.results).toEqual(names.flatMap((name) => [`${name} miss`, `${name} hit`]));
  });

  test('"there is none" is remembered too, until somebody makes it', async () => {
    const [here, there] = await twoSides(backend);
    const looks = everything(here).slice(0, 3);
    for (const [operation, look] of looks) {
      expect(await look()).toBeUndefined();
      expect(await here.askedBy(look)).toEqual([]);
      expect(operation).toMatch(/^get/);
    }
    await there.store.createTopic(topic('orders'));
    here.bell.ring('topics');
    for (const [, look] of looks) expect(await look()).toBeDefined();
  });

  test('a hundred that ask at once are one question', async () => {
    const [here] = await twoSides(backend);
    await here.store.createTopic(topic('orders'));
    const release = holdAnswers(here);
    here.asked = [];
    const answers = everything(here).map(([, look]) => Promise.all(Array.from({ length: 100 }, look)));
    release();
    for (const given of await Promise.all(answers))
      expect(new Set(given.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(here.asked).toEqual(['getTopic', 'getPartition', 'getLease', 'readLog']);
  });

  test('what the store itself is asked never comes from memory', async () => {
    const [here, there] = await twoSides(backend);
    await here.store.createTopic(topic('orders'));
    for (const [, look] of everything(here)) await look();
    const sessionId = await join(there.store, 'b');
    const epoch = await take(there.store, sessionId, orders);
    await there.store.appendSegments({ sessionId, epoch }, 'orders', 0, [segment(0, 9)]);
    expect(await here.store.getLease(orders)).toMatchObject({ agentId: 'b' });
    expect(await here.store.getPartition('orders', 0)).toMatchObject({ highWatermark: 10 });
    expect(await here.store.findSegment('orders', 0, 0)).toMatchObject({ result: 'found' });
  });

  test('what another agent changed is seen after its signal, and what did not change is not asked for', async () => {
    const [here, there] = await twoSides(backend);
    await here.store.createTopic(topic('orders'));
    const [getTopic, getPartition, getLease, find] = everything(here).map(([, look]) => look);
    const look = () => Promise.all(everything(here).map(([, one]) => one()));
    const afterwards = (kind: SignalKind) => {
      here.bell.ring(kind);
      return here.askedBy(look);
    };
    await look();
    const sessionId = await join(there.store, 'b');
    const fence = { sessionId, epoch: await take(there.store, sessionId, orders) };
    expect(await afterwards('routes')).toEqual(['getLease']);
    expect(await getLease?.()).toMatchObject({ agentId: 'b', epoch: fence.epoch });
    await there.store.appendSegments(fence, 'orders', 0, [segment(0, 9), segment(10, 19)]);
    await there.store.deleteSegmentsBefore('orders', 0, 10, 10);
    expect(await afterwards('segments')).toEqual(['getPartition', 'readLog']);
    expect(await getPartition?.()).toMatchObject({ startOffset: 10, highWatermark: 20 });
    expect(await find?.()).toEqual({ result: 'before_start', startOffset: 10 });
    await there.store.releaseLeases(sessionId, [{ key: orders, epoch: fence.epoch }], 'released');
    expect(await afterwards('leases')).toEqual(['getLease']);
    expect(await getLease?.()).toMatchObject({ agentId: null });
    await there.store.deleteTopic('orders');
    await there.store.createTopic(topic('orders', 2));
    expect(await afterwards('topics')).toEqual(
      expect.arrayContaining(['getTopic', 'getPartition', 'getLease', 'readLog']),
    );
    expect(await getTopic?.()).toMatchObject({ partitionCount: 2 });
    expect(await find?.()).toEqual({ result: 'at_end', highWatermark: 0 });
    for (const kind of ['ping', 'session', 'assignment'] as const) expect(await afterwards(kind)).toEqual([]);
    for (const kind of ['written', 'resync'] as const) expect(await afterwards(kind)).toHaveLength(4);
  });

  test('an append of another agent, of which nobody tells, is seen when the end of the log has rested', async () => {
    const [here, there] = await twoSides(backend);
    await there.store.createTopic(topic('orders'));
    const sessionId = await join(there.store, 'b');
    const fence = { sessionId, epoch: await take(there.store, sessionId, orders) };
    const { lookups } = here;
    const end = () => lookups.findSegment('orders', 0, 0);
    expect(await end()).toEqual({ result: 'at_end', highWatermark: 0 });
    await lookups.getPartition('orders', 0);
    await there.store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    here.nowMs = 101;
    expect(await end()).toMatchObject({ result: 'found' });
    expect(await lookups.getPartition('orders', 0)).toMatchObject({ highWatermark: 10 });
    expect(here.asked.filter((name) => name === 'readLog')).toHaveLength(2);
  });

  test('what was read before a change, and arrives after its signal, is not kept', async () => {
    const [here, there] = await twoSides(backend);
    await there.store.createTopic(topic('orders'));
    const sessionId = await join(there.store, 'b');
    for (const [operation, look] of everything(here)) {
      const release = holdAnswers(here);
      here.asked = [];
      const early = look();
      // The answer is there and has not arrived.
      await Promise.resolve();
      here.bell.ring('resync');
      release();
      await early;
      await look();
      expect(here.asked).toEqual([operation, operation]);
    }
    const release = holdAnswers(here);
    const early = here.lookups.getLease(orders);
    await take(there.store, sessionId, orders);
    here.bell.ring('routes');
    release();
    await early;
    expect(await here.lookups.getLease(orders)).toMatchObject({ agentId: 'b' });
  });

  test('what one changes oneself one sees at once, before any signal', async () => {
    const [{ store, lookups }] = await twoSides(backend);
    const ends = async () => (await lookups.getPartition('orders', 0))?.highWatermark;
    const find = (offset: number) => lookups.findSegment('orders', 0, offset);
    const leader = async () => (await lookups.getLease(orders))?.agentId;
    expect(await lookups.getTopic('orders')).toBeUndefined();
    await store.createTopic(topic('orders'));
    expect(await lookups.getTopic('orders')).toMatchObject({ partitionCount: 1 });
    expect([await leader(), await ends(), await find(0)]).toEqual([
      null,
      0,
      { result: 'at_end', highWatermark: 0 },
    ]);
    const sessionId = await join(store, 'a');
    const fence = { sessionId, epoch: await take(store, sessionId, orders) };
    expect(await leader()).toBe('a');
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    expect([await ends(), await find(0)]).toMatchObject([10, { result: 'found' }]);
    await store.advanceHighWatermark(fence, 'orders', 0, 12);
    expect([await ends(), await find(11)]).toEqual([12, { result: 'gap', next: 12 }]);
    await store.deleteSegmentsBefore('orders', 0, 10, 10);
    expect(await find(0)).toEqual({ result: 'before_start', startOffset: 10 });
    await store.releaseLeases(sessionId, [{ key: orders, epoch: fence.epoch }], 'released');
    expect(await leader()).toBeNull();
    await take(store, sessionId, orders);
    expect(await leader()).toBe('a');
    await store.endSession(sessionId, 'deregistered');
    expect(await leader()).toBeNull();
    await store.addPartitions('orders', 3);
    expect(await lookups.getTopic('orders')).toMatchObject({ partitionCount: 3 });
    await store.deleteTopic('orders');
    expect(await lookups.getTopic('orders')).toBeUndefined();
    await expect(find(0)).rejects.toMatchObject({ code: 'not_found' });
  });

  test("a new leader's start is never from memory: with the grant, where the log ends is forgotten", async () => {
    const [here, there] = await twoSides(backend);
    await there.store.createTopic(topic('orders'));
    const old = await join(there.store, 'b');
    const fence = { sessionId: old, epoch: await take(there.store, old, orders) };
    const own = await join(here.store, 'a');
    const look = async () => [
      (await here.lookups.getPartition('orders', 0))?.highWatermark,
      (await here.lookups.findSegment('orders', 0, 0)).result,
    ];
    expect(await look()).toEqual([0, 'at_end']);
    await there.store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    await there.store.endSession(old, 'deregistered');
    expect(await look()).toEqual([0, 'at_end']);
    expect(await acquireOne(here.store, own, orders)).toMatchObject({
      outcome: 'granted',
      highWatermark: 10,
    });
    expect(await look()).toEqual([10, 'found']);
  });

  test('a grant whose answer was lost is no different: it is learnt by reading what is held', async () => {
    const [here, there] = await twoSides(backend);
    await there.store.createTopic(topic('orders'));
    const old = await join(there.store, 'b');
    const fence = { sessionId: old, epoch: await take(there.store, old, orders) };
    const own = await join(here.store, 'a');
    expect(await here.lookups.getPartition('orders', 0)).toMatchObject({ highWatermark: 0 });
    await there.store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    await there.store.endSession(old, 'deregistered');
    // Past the cache, as if nothing had come back.
    await there.store.acquireLeases(own, [orders]);
    await here.store.heldLeases(own);
    expect(await here.lookups.getPartition('orders', 0)).toMatchObject({ highWatermark: 10 });
  });

  test('while signals are not heard nothing is answered from memory, and nothing kept', async () => {
    const [here, there] = await twoSides(backend);
    await there.store.createTopic(topic('orders'));
    for (const [, look] of everything(here)) await look();
    here.bell.ok = false;
    here.results.length = 0;
    const sessionId = await join(there.store, 'b');
    await take(there.store, sessionId, orders);
    expect(await here.lookups.getLease(orders)).toMatchObject({ agentId: 'b' });
    for (const [operation, look] of everything(here)) {
      expect(await here.askedBy(look)).toEqual([operation === 'readLog' ? 'findSegment' : operation]);
    }
    expect(new Set(here.results)).toEqual(
      new Set(['topic', 'partition', 'lease', 'segment'].map((name) => `${name} bypass`)),
    );
    // As signals do when they are heard again.
    here.bell.ok = true;
    here.bell.ring('resync');
    expect(await here.lookups.getLease(orders)).toMatchObject({ agentId: 'b' });
  });

  test("a remembered lease's time runs on, and half of it is all that it is remembered for", async () => {
    const [here] = await twoSides(backend);
    await here.store.createTopic(topic('orders'));
    const sessionId = randomUUID();
    await here.store.registerSession({ sessionId, agent: agent('a'), ttlMs: 1_500, process: 'a:1' });
    await take(here.store, sessionId, orders);
    const left = async () => (await here.lookups.getLease(orders))?.expiresInMs ?? 0;
    const before = await left();
    here.nowMs += 10;
    expect(await left()).toBe(before - 10);
    here.nowMs += 740;
    expect(await here.askedBy(left)).toEqual(['getLease']);
  });

  test('a new session of this agent forgets everything: the database may be one of an earlier day', async () => {
    const [here] = await twoSides(backend);
    await here.store.createTopic(topic('orders'));
    for (const [, look] of everything(here)) await look();
    await join(here.store, 'a');
    for (const [operation, look] of everything(here)) expect(await here.askedBy(look)).toEqual([operation]);
  });

  test('a failed read is told to who asked, and the next one asks again', async () => {
    const [here] = await twoSides(backend);
    here.held = () => Promise.reject(new Error('away'));
    await expect(here.lookups.getTopic('orders')).rejects.toThrow('away');
    here.held = () => Promise.resolve();
    expect(await here.askedBy(() => here.lookups.getTopic('orders'))).toEqual(['getTopic']);
    expect(await here.lookups.getLease(partitionKey('none', 1))).toBeUndefined();
  });
}

describe('SQLite', () => {
  cacheTests(sqliteBackend);
});

for (const { name, url } of inject('postgresTargets')) {
  describe(name, () => {
    cacheTests(postgresBackend(url));
  });
}
