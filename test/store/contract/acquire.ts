// The contract of acquiring: who gets a lease, under which epoch, and who does not.
import { expect, test } from 'vitest';
import { nextEpoch } from '../../../src/domain/epoch.ts';
import { COORDINATOR, partitionKey, roleKey } from '../../../src/domain/lease.ts';
import type { Backend } from './backend.ts';
import {
  acquireOne,
  expectRefusal,
  join,
  ledPartition,
  orders,
  reap,
  segment,
  take,
  topic,
} from './samples.ts';

export function acquireContract(backend: Backend): void {
  test('a free partition is granted, under the first epoch of the era', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders'));
    const sessionId = await join(store, 'a');
    const epoch = nextEpoch(0, (await store.currentEra()).number);
    expect(await store.acquireLeases(sessionId, [orders])).toEqual({
      outcomes: [{ outcome: 'granted', key: orders, epoch, highWatermark: 0, takenOver: null }],
      holdingsVersion: 1,
    });
    expect(await store.getLease(orders)).toEqual({
      key: orders,
      agentId: 'a',
      address: 'a.example:9092',
      epoch,
      acquiredAt: expect.any(Date),
      expiresInMs: expect.any(Number),
    });
  });

  test('asking again for what one holds is the same term, and writes nothing', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    const again = async () =>
      expect(await store.acquireLeases(sessionId, [orders])).toEqual({
        outcomes: [{ outcome: 'already_held', key: orders, epoch: fence.epoch, highWatermark: 0 }],
        holdingsVersion: undefined,
      });
    expect(await database.rowsWritten(again)).toEqual([]);
  });

  test('what a live session holds is not granted to another, which writes nothing', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { fence } = await ledPartition(store);
    const other = await join(store, 'b');
    const asked = async () =>
      expect(await store.acquireLeases(other, [orders])).toEqual({
        outcomes: [{ outcome: 'held', key: orders, epoch: fence.epoch, holder: 'a' }],
        holdingsVersion: undefined,
      });
    expect(await database.rowsWritten(asked)).toEqual([]);
  });

  test('a session that is unknown or has ended gets nothing', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders'));
    const sessionId = await join(store, 'a');
    await store.endSession(sessionId, 'deregistered');
    await expectRefusal(store.acquireLeases(sessionId, [orders]), 'session_lost');
    const unknown = '00000000-0000-4000-8000-000000000000';
    await expectRefusal(store.acquireLeases(unknown, [orders]), 'session_lost');
    expect(await store.getLease(orders)).toMatchObject({ agentId: null });
  });

  test('what is no partition is unknown, and asking for nothing changes nothing', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders'));
    const sessionId = await join(store, 'a');
    for (const key of [partitionKey('orders', 1), partitionKey('other', 0)]) {
      expect(await acquireOne(store, sessionId, key)).toEqual({ outcome: 'unknown', key });
    }
    const nothing = { outcomes: [], holdingsVersion: undefined };
    expect(await store.acquireLeases(sessionId, [])).toEqual(nothing);
    expect(await store.releaseLeases(sessionId, [], 'released')).toEqual(nothing);
  });

  test('each lease of a set has its own outcome, in the order asked', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders', 4));
    const [a, b] = [await join(store, 'a'), await join(store, 'b')];
    await take(store, a, partitionKey('orders', 1));
    await take(store, b, partitionKey('orders', 2));
    const keys = [9, 3, 2, 1, 0].map((partition) => partitionKey('orders', partition));
    const { outcomes, holdingsVersion } = await store.acquireLeases(b, [...keys, COORDINATOR]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      'unknown',
      'granted',
      'already_held',
      'held',
      'granted',
      'granted',
    ]);
    expect(outcomes.map(({ key }) => key)).toEqual([...keys, COORDINATOR]);
    expect(holdingsVersion).toBe(2);
  });

  test('every grant is higher than all before, also to the same session', async () => {
    const store = await (await backend.database()).store();
    const { sessionId, fence } = await ledPartition(store);
    const other = await join(store, 'b');
    let epoch = fence.epoch;
    for (const next of [sessionId, other, other, sessionId]) {
      const holder = (await store.getLease(orders))?.agentId === 'a' ? sessionId : other;
      await store.releaseLeases(holder, [{ key: orders, epoch }], 'released');
      expect((await store.getLease(orders))?.epoch).toBe(epoch);
      const granted = await take(store, next, orders);
      expect(granted).toBe(nextEpoch(epoch, (await store.currentEra()).number));
      epoch = granted;
    }
  });

  test('an hour of heartbeats changes no epoch', async () => {
    const store = await (await backend.database()).store();
    const { sessionId, fence } = await ledPartition(store);
    // A TTL of 10 s beats every 2.5 s.
    for (let i = 0; i < 1_440; i++) await store.heartbeat(sessionId);
    expect((await store.getLease(orders))?.epoch).toBe(fence.epoch);
  });

  test('the lease of a reaped session is free, and tells from whom and after what silence', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await store.appendSegments(fence, 'orders', 0, [segment(0, 99)]);
    await database.sql(
      `update sessions set last_heartbeat_at = ${database.timeIn(-5_000)} where session_id = '${sessionId}'`,
    );
    await reap(database, store, sessionId);
    const { outcomes } = await store.acquireLeases(await join(store, 'b'), [orders]);
    expect(outcomes).toEqual([
      {
        outcome: 'granted',
        key: orders,
        epoch: fence.epoch + 1,
        highWatermark: 100,
        takenOver: { agentId: 'a', silentMs: expect.any(Number), cause: 'reaped' },
      },
    ]);
    const [granted] = outcomes;
    const silentMs = granted?.outcome === 'granted' ? granted.takenOver?.silentMs : undefined;
    expect(silentMs).toBeGreaterThanOrEqual(5_000);
    expect(silentMs).toBeLessThan(60_000);
    await expectRefusal(store.appendSegments(fence, 'orders', 0, [segment(100, 109)]), 'fenced');
  });

  test('the lease of a session that is not known any more is free', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await reap(database, store, sessionId);
    await store.purge(-1_000);
    const { outcomes } = await store.acquireLeases(await join(store, 'b'), [orders]);
    expect(outcomes).toMatchObject([{ outcome: 'granted', epoch: fence.epoch + 1, takenOver: null }]);
    const [current, before] = await store.leaseHistory(orders, 10);
    expect(current).toMatchObject({ agentId: 'b', to: null });
    expect(before).toMatchObject({ agentId: 'a', to: expect.any(Date), reason: 'reaped' });
  });

  test('a role is made at its first campaign and has one holder', async () => {
    const store = await (await backend.database()).store();
    const [a, b] = [await join(store, 'a'), await join(store, 'b')];
    const role = roleKey('orders');
    await store.createTopic(topic('orders'));
    expect(await store.getLease(role)).toBeUndefined();
    const granted = await acquireOne(store, a, role);
    expect(granted).toMatchObject({ outcome: 'granted', highWatermark: null, takenOver: null });
    expect(await acquireOne(store, b, role)).toMatchObject({ outcome: 'held', holder: 'a' });
    // A topic of the same name is another lease.
    expect(await acquireOne(store, b, orders)).toMatchObject({ outcome: 'granted' });
  });

  test('a topic created anew goes on with its epochs', async () => {
    const store = await (await backend.database()).store();
    const { sessionId, fence } = await ledPartition(store);
    await store.deleteTopic('orders');
    expect(await acquireOne(store, sessionId, orders)).toMatchObject({ outcome: 'unknown' });
    await store.createTopic(topic('orders', 2));
    expect(await store.getLease(orders)).toMatchObject({ agentId: null, epoch: fence.epoch + 1 });
    expect(await take(store, sessionId, orders)).toBe(fence.epoch + 2);
    const fresh = await take(store, sessionId, partitionKey('orders', 1));
    expect(fresh).toBe(nextEpoch(0, (await store.currentEra()).number));
  });

  test('a new era starts above every epoch of those before it', async () => {
    const database = await backend.emptyDatabase();
    const store = await database.open({ migrate: true });
    const { sessionId, fence } = await ledPartition(store);
    await database.sql('update era set number = number + 3');
    const { number } = await store.currentEra();
    await store.releaseLeases(sessionId, [{ key: orders, epoch: fence.epoch }], 'released');
    const epoch = await take(store, sessionId, orders);
    expect(epoch).toBe(nextEpoch(fence.epoch, number));
    expect(epoch).toBe(number * 2 ** 32);
  });
}
