// The contract of topics and their partitions.
import { expect, test } from 'vitest';
import type { Backend } from './backend.ts';
import { all, expectRefusal, join, ledPartition, orders, segment, take, topic } from './samples.ts';

export function topicContract(backend: Backend): void {
  test('a topic is read back as it was created', async () => {
    const store = await (await backend.database()).store();
    const config = { cleanup: 'compact', nested: { list: [1, 'zwei', null, true] }, ключ: '✓' };
    const given = { name: 'orders', partitionCount: 3, retentionMs: 86_400_000, config };
    const created = await store.createTopic(given);
    expect(created).toEqual({ ...given, createdAt: expect.any(Date) });
    expect(Math.abs(created.createdAt.getTime() - Date.now())).toBeLessThan(60_000);
    expect(await store.getTopic('orders')).toEqual(created);
    expect((await store.listTopics(all)).items).toEqual([created]);
  });

  test('a topic kept for ever says so', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders'));
    expect((await store.getTopic('orders'))?.retentionMs).toBeNull();
  });

  test('the partitions of a new topic are empty', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders', 3));
    const { items } = await store.listPartitions('orders', all);
    expect(items).toEqual(
      [0, 1, 2].map((partition) => ({ topic: 'orders', partition, highWatermark: 0, startOffset: 0 })),
    );
    expect(await store.getPartition('orders', 2)).toEqual(items[2]);
  });

  test('a topic that exists is not created again, and stays as it is', async () => {
    const store = await (await backend.database()).store();
    const first = await store.createTopic(topic('orders', 2));
    await expectRefusal(store.createTopic(topic('orders', 5)), 'already_exists');
    expect(await store.getTopic('orders')).toEqual(first);
    expect((await store.listPartitions('orders', all)).items).toHaveLength(2);
  });

  test('of agents that create one topic at the same time exactly one does', async () => {
    const database = await backend.database();
    const stores = await Promise.all([database.store(), database.store(), database.store()]);
    const attempts = await Promise.allSettled(stores.map((store) => store.createTopic(topic('orders', 4))));
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = attempts.flatMap((each): unknown[] => (each.status === 'rejected' ? [each.reason] : []));
    expect(refused).toMatchObject([{ code: 'already_exists' }, { code: 'already_exists' }]);
  });

  test('what does not exist is undefined, or not found where there is nothing to list', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders', 1));
    expect(await store.getTopic('Orders')).toBeUndefined();
    expect(await store.getPartition('orders', 1)).toBeUndefined();
    expect(await store.getPartition('other', 0)).toBeUndefined();
    await expectRefusal(store.listPartitions('other', all), 'not_found');
    await expectRefusal(store.deleteTopic('other'), 'not_found');
    await expectRefusal(store.addPartitions('other', 2), 'not_found');
  });

  test('topics are listed in the order of their bytes', async () => {
    const store = await (await backend.database()).store();
    const names = ['b', 'a', 'B', 'a.', 'a-', 'a_', 'aB', 'ab', 'a0', '_', 'Z', '-x', '9'];
    for (const name of names) await store.createTopic(topic(name));
    const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect((await store.listTopics(all)).items.map(({ name }) => name)).toEqual(sorted);
  });

  test('partitions are added behind those that are there', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    expect(await store.addPartitions('orders', 3)).toMatchObject({ name: 'orders', partitionCount: 3 });
    const { items } = await store.listPartitions('orders', all);
    expect(items.map(({ partition, highWatermark }) => [partition, highWatermark])).toEqual([
      [0, 10],
      [1, 0],
      [2, 0],
    ]);
    expect(await store.getLease({ ...orders, partition: 2 })).toMatchObject({ agentId: null });
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: fence.epoch });
  });

  test('asking for the partitions a topic has changes nothing, asking for fewer is refused', async () => {
    const database = await backend.database();
    const store = await database.store();
    await store.createTopic(topic('orders', 3));
    const again = async () => expect((await store.addPartitions('orders', 3)).partitionCount).toBe(3);
    expect(await database.rowsWritten(again)).toEqual([]);
    await expectRefusal(store.addPartitions('orders', 2), 'conflict');
    expect((await store.getTopic('orders'))?.partitionCount).toBe(3);
  });

  test('a deleted topic takes its partitions, segments, committed offsets and assignment along', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    const coordinator = { kind: 'role', name: 'coordinator' } as const;
    const epoch = await take(store, sessionId, coordinator);
    const moves = [{ topic: 'orders', partition: 0, from: null, to: 'a', reason: 'new_partition' as const }];
    await store.writeAssignment({ sessionId, epoch }, moves);
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    await store.commitOffsets('cg', [{ topic: 'orders', partition: 0, offset: 5, metadata: null }]);

    await store.deleteTopic('orders');
    expect(await store.getTopic('orders')).toBeUndefined();
    expect(await store.getPartition('orders', 0)).toBeUndefined();
    expect(await store.getLease(orders)).toBeUndefined();
    expect((await store.listPartitionLeases({}, all)).items).toEqual([]);
    expect((await store.listCommittedOffsets('cg', all)).items).toEqual([]);
    expect((await store.readAssignment('a')).partitions).toEqual([]);
    await expectRefusal(store.findSegment('orders', 0, 0), 'not_found');
    await expectRefusal(store.deleteTopic('orders'), 'not_found');

    await store.createTopic(topic('orders'));
    expect(await store.getPartition('orders', 0)).toMatchObject({ highWatermark: 0, startOffset: 0 });
    expect((await store.listSegments('orders', 0, 0, all)).items).toEqual([]);
    expect(await store.getCommittedOffset('cg', 'orders', 0)).toBeUndefined();
    expect((await store.readAssignment('a')).partitions).toEqual([]);
  });

  test('deleting one topic leaves the others and their leases alone', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    await store.createTopic(topic('orders.retry'));
    await store.deleteTopic('orders.retry');
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: fence.epoch });
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
  });

  test('topics and agents of one group are unknown to another', async () => {
    const database = await backend.database();
    const [here, there] = [await database.storeOf('one'), await database.storeOf('two')];
    const { sessionId, fence } = await ledPartition(here);
    await here.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    await here.commitOffsets('cg', [{ topic: 'orders', partition: 0, offset: 1, metadata: null }]);
    await take(here, sessionId, { kind: 'role', name: 'coordinator' });

    expect((await there.listTopics(all)).items).toEqual([]);
    expect((await there.listAgents(all)).items).toEqual([]);
    expect((await there.observeSessions()).sessions).toEqual([]);
    expect((await there.listPartitionLeases({}, all)).items).toEqual([]);
    expect((await there.listRoleLeases(all)).items).toEqual([]);
    expect((await there.listConsumerGroups(all)).items).toEqual([]);
    expect((await there.readPlanningInput()).partitions).toEqual([]);

    // The same names are other things there.
    const other = await ledPartition(there);
    expect((await there.getPartition('orders', 0))?.highWatermark).toBe(0);
    await there.commitOffsets('cg', [{ topic: 'orders', partition: 0, offset: 0, metadata: null }]);
    expect((await here.getCommittedOffset('cg', 'orders', 0))?.offset).toBe(1);
    await there.deleteTopic('orders');
    expect(await here.getLease(orders)).toMatchObject({ agentId: 'a', epoch: fence.epoch });
    await there.endSession(other.sessionId, 'deregistered');
    expect(await here.heartbeat(sessionId)).toMatchObject({ outcome: 'renewed' });
    await join(there, 'b');
  });
}
