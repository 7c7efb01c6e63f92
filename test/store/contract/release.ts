// The contract of releasing, and of what a session is told to hold.
import { expect, test } from 'vitest';
import { COORDINATOR, partitionKey } from '../../../src/domain/lease.ts';
import type { Backend } from './backend.ts';
import { join, ledPartition, orders, take, topic } from './samples.ts';

export function releaseContract(backend: Backend): void {
  test('a released lease is vacant, keeps its epoch, and may be released again', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    const term = { key: orders, epoch: fence.epoch };
    expect(await store.releaseLeases(sessionId, [term], 'released')).toEqual({
      outcomes: [{ outcome: 'released', term }],
      holdingsVersion: 2,
    });
    expect(await store.getLease(orders)).toMatchObject({
      agentId: null,
      acquiredAt: null,
      epoch: fence.epoch,
    });
    const again = async () =>
      expect(await store.releaseLeases(sessionId, [term], 'released')).toEqual({
        outcomes: [{ outcome: 'released', term }],
        holdingsVersion: undefined,
      });
    expect(await database.rowsWritten(again)).toEqual([]);
  });

  test('an old term cannot release a newer one', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    const old = { key: orders, epoch: fence.epoch };
    await store.releaseLeases(sessionId, [old], 'released');
    const currentEpoch = await take(store, sessionId, orders);
    const late = async () =>
      expect((await store.releaseLeases(sessionId, [old], 'released')).outcomes).toEqual([
        { outcome: 'superseded', term: old, currentEpoch },
      ]);
    expect(await database.rowsWritten(late)).toEqual([]);
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: currentEpoch });
  });

  test('nobody releases what another holds', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    const other = await join(store, 'b');
    const term = { key: orders, epoch: fence.epoch };
    expect((await store.releaseLeases(other, [term], 'released')).outcomes).toEqual([
      { outcome: 'superseded', term, currentEpoch: fence.epoch },
    ]);
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a' });
    const unknown = { key: partitionKey('other', 0), epoch: 1 };
    expect((await store.releaseLeases(other, [unknown], 'released')).outcomes).toEqual([
      { outcome: 'superseded', term: unknown, currentEpoch: 0 },
    ]);
  });

  test('a set is released term by term', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders', 3));
    const sessionId = await join(store, 'a');
    const keys = [0, 1, 2].map((partition) => partitionKey('orders', partition));
    const terms = [];
    for (const key of keys) terms.push({ key, epoch: await take(store, sessionId, key) });
    const [first, , third] = terms;
    const stale = terms.map((term, i) => (i === 1 ? { ...term, epoch: term.epoch - 1 } : term));
    const { outcomes } = await store.releaseLeases(sessionId, stale, 'released');
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['released', 'superseded', 'released']);
    expect(outcomes.map(({ term }) => term)).toEqual([first, stale[1], third]);
    expect((await store.heldLeases(sessionId)).terms).toMatchObject([terms[1] ?? {}]);
  });

  test('the holdings version rises exactly when what the session holds has changed', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders', 2));
    const [a, b] = [await join(store, 'a'), await join(store, 'b')];
    const versions = async () => {
      const beats = [await store.heartbeat(a), await store.heartbeat(b)];
      return beats.map((beat) => (beat.outcome === 'renewed' ? beat.holdingsVersion : undefined));
    };
    const keys = [orders, partitionKey('orders', 1)];
    expect(await versions()).toEqual([0, 0]);
    const { outcomes } = await store.acquireLeases(a, keys);
    expect(await versions()).toEqual([1, 0]);
    await store.acquireLeases(a, keys);
    await store.acquireLeases(b, keys);
    expect(await versions()).toEqual([1, 0]);
    const terms = outcomes.flatMap((each) =>
      each.outcome === 'granted' ? [{ key: each.key, epoch: each.epoch }] : [],
    );
    await store.releaseLeases(b, terms, 'released');
    expect(await versions()).toEqual([1, 0]);
    await store.releaseLeases(a, terms.slice(0, 1), 'released');
    await store.releaseLeases(a, terms.slice(0, 1), 'released');
    expect(await versions()).toEqual([2, 0]);
    await store.acquireLeases(b, keys);
    expect(await versions()).toEqual([2, 1]);
    await store.deleteTopic('orders');
    expect(await versions()).toEqual([3, 2]);
    expect(await store.heldLeases(a)).toEqual({ terms: [], holdingsVersion: 3 });
  });

  test('everything a session holds is told in one order, roles among it', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('b', 2));
    await store.createTopic(topic('B', 1));
    const sessionId = await join(store, 'a');
    const keys = [partitionKey('B', 0), partitionKey('b', 0), partitionKey('b', 1), COORDINATOR];
    await store.acquireLeases(sessionId, keys.toReversed());
    expect((await store.heldLeases(sessionId)).terms.map(({ key }) => key)).toEqual(keys);
  });
}
