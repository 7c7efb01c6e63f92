// The contract of the assignment: advice written under the coordinator's term, with a generation that tells of every change.
import { expect, test } from 'vitest';
import { COORDINATOR, partitionKey, roleKey } from '../../../src/domain/lease.ts';
import type { Move } from '../../../src/domain/planner.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Fence } from '../../../src/store/segments.ts';
import type { Backend } from './backend.ts';
import { agent, expire, join, reap, take, topic, ttlMs } from './samples.ts';

const move = (topic: string, partition: number, to: string | null, from: string | null = null): Move => ({
  topic,
  partition,
  from,
  to,
  reason: 'balance',
});

/** Topics `orders` of three partitions and `Audit` of one, and agent `a`, who coordinates. */
async function coordinated(store: MetadataStore): Promise<Fence> {
  const sessionId = await join(store, 'a');
  await store.createTopic(topic('orders', 3));
  await store.createTopic(topic('Audit'));
  return { sessionId, epoch: await take(store, sessionId, COORDINATOR) };
}

export function assignmentContract(backend: Backend): void {
  test('what is written is read back by agent, in the order of its bytes', async () => {
    const store = await (await backend.database()).store();
    const fence = await coordinated(store);
    const moves = [
      move('orders', 2, 'a'),
      move('orders', 0, 'a'),
      move('orders', 1, 'b'),
      move('Audit', 0, 'a'),
    ];
    const written = await store.writeAssignment(fence, moves);
    expect(written).toEqual({ outcome: 'written', generation: await store.assignmentGeneration() });
    expect(await store.readAssignment('a')).toEqual({
      generation: await store.assignmentGeneration(),
      partitions: [
        { topic: 'Audit', partition: 0 },
        { topic: 'orders', partition: 0 },
        { topic: 'orders', partition: 2 },
      ],
    });
    expect((await store.readAssignment('b')).partitions).toEqual([{ topic: 'orders', partition: 1 }]);
    expect((await store.readAssignment('c')).partitions).toEqual([]);
  });

  test('partitions are counted as moving until the agent they are assigned to leads them', async () => {
    const store = await (await backend.database()).store();
    const fence = await coordinated(store);
    const moving = async () => (await store.countPartitions()).moving;
    await take(store, fence.sessionId, partitionKey('orders', 0));
    const b = await join(store, 'b');
    expect(await moving()).toBe(0);
    await store.writeAssignment(fence, [move('orders', 0, 'a'), move('orders', 1, 'b')]);
    expect(await moving()).toBe(1);
    await take(store, b, partitionKey('orders', 1));
    expect(await moving()).toBe(0);
    await store.writeAssignment(fence, [move('orders', 0, 'b', 'a')]);
    expect(await moving()).toBe(1);
  });

  test('a later move replaces an earlier one, and a move to nobody removes it', async () => {
    const store = await (await backend.database()).store();
    const fence = await coordinated(store);
    await store.writeAssignment(fence, [
      move('orders', 0, 'a'),
      move('orders', 1, 'a'),
      move('orders', 2, 'a'),
    ]);
    await store.writeAssignment(fence, [move('orders', 0, 'b', 'a'), move('orders', 1, null, 'a')]);
    expect((await store.readAssignment('a')).partitions).toEqual([{ topic: 'orders', partition: 2 }]);
    expect((await store.readAssignment('b')).partitions).toEqual([{ topic: 'orders', partition: 0 }]);
  });

  test('moves of partitions that are gone are skipped', async () => {
    const store = await (await backend.database()).store();
    const fence = await coordinated(store);
    await store.deleteTopic('Audit');
    const moves = [
      move('Audit', 0, 'a'),
      move('orders', 9, 'a'),
      move('orders', 0, 'a'),
      move('x', 0, null, 'a'),
    ];
    expect(await store.writeAssignment(fence, moves)).toMatchObject({ outcome: 'written' });
    expect((await store.readAssignment('a')).partitions).toEqual([{ topic: 'orders', partition: 0 }]);
    expect(await store.writeAssignment(fence, [])).toMatchObject({ outcome: 'written' });
  });

  test('who does not hold the role at its current epoch writes nothing', async () => {
    const database = await backend.database();
    const store = await database.store();
    const fence = await coordinated(store);
    const other = await join(store, 'b');
    const attempts = [
      { ...fence, epoch: fence.epoch - 1 },
      { ...fence, epoch: fence.epoch + 1 },
      { ...fence, sessionId: other },
    ];
    for (const attempt of attempts) {
      const write = async () =>
        expect(await store.writeAssignment(attempt, [move('orders', 0, 'a')])).toEqual({ outcome: 'fenced' });
      expect(await database.rowsWritten(write)).toEqual([]);
    }
    await store.releaseLeases(fence.sessionId, [{ key: COORDINATOR, epoch: fence.epoch }], 'released');
    const epoch = await take(store, other, COORDINATOR);
    expect(await store.writeAssignment(fence, [move('orders', 0, 'a')])).toEqual({ outcome: 'fenced' });
    const successor = { sessionId: other, epoch };
    expect(await store.writeAssignment(successor, [move('orders', 0, 'b')])).toMatchObject({
      outcome: 'written',
    });
    expect((await store.readAssignment('a')).partitions).toEqual([]);
  });

  test('the generation rises with every write and every change of topics, and heartbeats tell it', async () => {
    const store = await (await backend.database()).store();
    const fence = await coordinated(store);
    const told = async () => {
      const beat = await store.heartbeat(fence.sessionId);
      const generation = beat.outcome === 'renewed' ? beat.assignmentGeneration : Number.NaN;
      expect(await store.assignmentGeneration()).toBe(generation);
      expect((await store.readAssignment('a')).generation).toBe(generation);
      expect((await store.readPlanningInput()).generation).toBe(generation);
      return generation;
    };
    let last = await told();
    expect(await told()).toBe(last);
    for (const change of [
      () => store.writeAssignment(fence, [move('orders', 0, 'a')]),
      () => store.createTopic(topic('new')),
      () => store.addPartitions('new', 2),
      () => store.deleteTopic('new'),
    ]) {
      await change();
      const next = await told();
      expect(next).toBeGreaterThan(last);
      last = next;
    }
    await store.writeAssignment({ ...fence, epoch: 0 }, [move('orders', 0, null)]);
    expect(await told()).toBe(last);
  });

  test('the planner is told live agents, every partition, who should lead it and who does', async () => {
    const database = await backend.database();
    const store = await database.store();
    const fence = await coordinated(store);
    const willing = agent('B', { weight: 5, zone: 'north', managedTopics: ['orders'] });
    const [B, silent, dead] = [crypto.randomUUID(), await join(store, 'silent'), await join(store, 'dead')];
    await store.registerSession({ sessionId: B, agent: willing, ttlMs, process: 'p' });
    await take(store, B, partitionKey('orders', 1));
    await take(store, dead, partitionKey('orders', 2));
    await store.writeAssignment(fence, [move('orders', 1, 'a'), move('orders', 2, 'dead')]);
    await expire(database, silent);
    await reap(database, store, dead);
    const { agents, partitions } = await store.readPlanningInput();
    const aliveForMs: unknown = expect.any(Number);
    const live = { weight: 1, zone: 'z', managedTopics: [], takes: 'new', aliveForMs, crashes: 0 };
    expect(agents).toEqual([
      { ...live, agentId: 'B', sessionId: B, weight: 5, zone: 'north', managedTopics: ['orders'] },
      { ...live, agentId: 'a', sessionId: fence.sessionId },
      { ...live, agentId: 'silent', sessionId: silent },
    ]);
    expect(partitions).toEqual([
      { topic: 'Audit', partition: 0, assignedTo: null, holder: null, pinned: false, home: null },
      { topic: 'orders', partition: 0, assignedTo: null, holder: null, pinned: false, home: null },
      { topic: 'orders', partition: 1, assignedTo: 'a', holder: 'B', pinned: false, home: null },
      { topic: 'orders', partition: 2, assignedTo: 'dead', holder: null, pinned: false, home: null },
    ]);
  });

  test('a role with the name of a topic, and the same topic of another group, are nothing to the planner', async () => {
    const database = await backend.database();
    const store = await database.store();
    const fence = await coordinated(store);
    await take(store, fence.sessionId, roleKey('orders'));
    const there = await database.storeOf('another');
    const other = await coordinated(there);
    await take(there, other.sessionId, partitionKey('orders', 1));
    await there.writeAssignment(other, [move('orders', 2, 'a')]);
    const { partitions } = await store.readPlanningInput();
    const nobody = { assignedTo: null, holder: null, pinned: false, home: null };
    expect(partitions).toEqual([
      { topic: 'Audit', partition: 0, ...nobody },
      { topic: 'orders', partition: 0, ...nobody },
      { topic: 'orders', partition: 1, ...nobody },
      { topic: 'orders', partition: 2, ...nobody },
    ]);
    expect(await store.countPartitions()).toEqual({ topics: 2, total: 4, led: 0, moving: 0 });
  });
}
