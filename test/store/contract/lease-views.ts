// The contract of leases as clients and people see them: lists, filters, history.
import { expect, test } from 'vitest';
import { COORDINATOR, partitionKey, roleKey } from '../../../src/domain/lease.ts';
import type { LeaseFilter } from '../../../src/store/leases.ts';
import type { Backend } from './backend.ts';
import { all, join, ledPartition, orders, reap, take, topic } from './samples.ts';

export function leaseViewContract(backend: Backend): void {
  test('leases are listed in byte order, by topic, by agent and by their lack of a holder', async () => {
    const database = await backend.database();
    const store = await database.store();
    for (const name of ['orders', 'Audit']) await store.createTopic(topic(name, 2));
    const [a, b] = [await join(store, 'a'), await join(store, 'b')];
    await take(store, a, partitionKey('orders', 1));
    await take(store, b, partitionKey('Audit', 0));
    const list = async (filter: LeaseFilter) =>
      (await store.listPartitionLeases(filter, all)).items.map(({ key, agentId }) => [key, agentId]);
    const audit = [
      [partitionKey('Audit', 0), 'b'],
      [partitionKey('Audit', 1), null],
    ];
    const rest = [
      [partitionKey('orders', 0), null],
      [partitionKey('orders', 1), 'a'],
    ];
    expect(await list({})).toEqual([...audit, ...rest]);
    expect(await list({ topic: 'Audit' })).toEqual(audit);
    expect(await list({ topic: 'none' })).toEqual([]);
    expect(await list({ agentId: 'a' })).toEqual([rest[1]]);
    expect(await list({ unleased: true })).toEqual([audit[1], rest[0]]);
    await reap(database, store, b);
    expect(await list({ unleased: true, topic: 'Audit' })).toEqual([[audit[0]?.[0], null], audit[1]]);
    expect(await list({ agentId: 'b' })).toEqual([]);
  });

  test('partitions are counted, and those that a live session leads', async () => {
    const database = await backend.database();
    const store = await database.store();
    expect(await store.countPartitions()).toEqual({ topics: 0, total: 0, led: 0, moving: 0 });
    const { sessionId } = await ledPartition(store);
    await take(store, sessionId, COORDINATOR);
    await store.createTopic(topic('audit', 3));
    await take(store, await join(store, 'b'), partitionKey('audit', 2));
    expect(await store.countPartitions()).toEqual({ topics: 2, total: 4, led: 2, moving: 0 });
    await reap(database, store, sessionId);
    expect(await store.countPartitions()).toEqual({ topics: 2, total: 4, led: 1, moving: 0 });
    await store.deleteTopic('audit');
    expect(await store.countPartitions()).toEqual({ topics: 1, total: 1, led: 0, moving: 0 });
  });

  test('roles are listed apart from partitions', async () => {
    const store = await (await backend.database()).store();
    const { sessionId } = await ledPartition(store);
    for (const name of ['compactor', 'B', 'a']) await take(store, sessionId, roleKey(name));
    const { items } = await store.listRoleLeases(all);
    expect(items.map(({ key }) => key)).toEqual([roleKey('B'), roleKey('a'), roleKey('compactor')]);
    expect((await store.listPartitionLeases({}, all)).items).toHaveLength(1);
  });

  test('history tells every term, the newest first, and how it ended', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId: a, fence } = await ledPartition(store);
    const epochs = [fence.epoch];
    await store.releaseLeases(a, [{ key: orders, epoch: fence.epoch }], 'released');
    epochs.push(await take(store, a, orders));
    await store.endSession(a, 'deregistered');
    const b = await join(store, 'b');
    epochs.push(await take(store, b, orders));
    await reap(database, store, b);
    const c = await join(store, 'c');
    epochs.push(await take(store, c, orders));
    await store.deleteTopic('orders');
    await store.createTopic(topic('orders'));
    epochs.push(await take(store, c, orders));

    const history = await store.leaseHistory(orders, 10);
    expect(history.map(({ epoch }) => epoch)).toEqual(epochs.toReversed());
    expect(history.map(({ agentId, reason }) => [agentId, reason])).toEqual([
      ['c', null],
      ['c', 'topic_deleted'],
      ['b', 'reaped'],
      ['a', 'deregistered'],
      ['a', 'released'],
    ]);
    expect(history[0]?.to).toBeNull();
    for (const { from, to } of history.slice(1)) {
      expect(to?.getTime()).toBeGreaterThanOrEqual(from.getTime());
    }
    expect((await store.leaseHistory(orders, 2)).map(({ agentId }) => agentId)).toEqual(['c', 'c']);
    expect(await store.leaseHistory(COORDINATOR, 10)).toEqual([]);
  });

  test('purging forgets the terms that ended long ago, never the current one', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await store.releaseLeases(sessionId, [{ key: orders, epoch: fence.epoch }], 'released');
    const epoch = await take(store, sessionId, orders);
    expect(await store.purge(3_600_000)).toEqual({ agents: 0, historyRows: 0, leases: 0 });
    expect(await store.purge(-1_000)).toEqual({ agents: 0, historyRows: 1, leases: 0 });
    expect(await store.leaseHistory(orders, 10)).toMatchObject([{ epoch, to: null }]);
    expect((await store.getLease(orders))?.epoch).toBe(epoch);
  });
}
