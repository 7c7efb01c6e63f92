// The contract of what operators ask of balancing: states that survive, and that tell the coordinator when they change.
import { expect, test } from 'vitest';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import type { Move, MoveReason } from '../../../src/domain/planner.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Fence } from '../../../src/store/segments.ts';
import type { Backend } from './backend.ts';
import { join, raised, take, topic } from './samples.ts';

/** Agent `a` coordinates, `b` and `c` are there, and an operator put `orders/0` at `b`. */
async function pinned(store: MetadataStore): Promise<Fence> {
  const sessionId = await join(store, 'a');
  for (const agentId of ['b', 'c']) await join(store, agentId);
  await store.createTopic(topic('orders'));
  await store.assign('orders', 0, 'b', null);
  return { sessionId, epoch: await take(store, sessionId, COORDINATOR) };
}

const toC = (reason: MoveReason): Move => ({ topic: 'orders', partition: 0, from: 'b', to: 'c', reason });

async function partition(store: MetadataStore) {
  return (await store.readPlanningInput()).partitions[0];
}

export function rebalanceContract(backend: Backend): void {
  test('a group that nobody has spoken of balances', async () => {
    const store = await (await backend.database()).store();
    const untouched = { pausedSince: null, applyRequestedAt: null };
    expect(await store.readRebalance()).toEqual({ generation: 0, ...untouched });
    await store.createTopic(topic('orders'));
    expect(await store.readPlanningInput()).toMatchObject({ generation: 0, ...untouched });
  });

  test('a pause is kept with its first moment, and tells the coordinator when it changes', async () => {
    const database = await backend.database();
    const store = await database.store();
    let since: Date | null = null;
    const pause = async () => {
      const { pausedSince } = await store.setPaused(true);
      since ??= pausedSince;
      expect(pausedSince).toEqual(since);
      expect(pausedSince).toBeInstanceOf(Date);
    };
    await store.setPaused(false);
    expect(await raised(store, pause)).toBe(1);
    expect(await database.rowsWritten(pause)).toEqual([]);
    const other = await database.store();
    expect(await other.readPlanningInput()).toMatchObject({ pausedSince: since });
    const generation = await store.assignmentGeneration();
    expect(await other.readRebalance()).toEqual({ generation, pausedSince: since, applyRequestedAt: null });
    expect((await (await database.storeOf('elsewhere')).readRebalance()).pausedSince).toBeNull();
    const resume = async () => expect(await store.setPaused(false)).toMatchObject({ pausedSince: null });
    expect(await raised(store, resume)).toBe(1);
    expect(await database.rowsWritten(resume)).toEqual([]);
  });

  test('a request to apply stands until it is carried out, and a later one stays', async () => {
    const store = await (await backend.database()).store();
    const fence = await pinned(store);
    const pending = async () => (await store.readRebalance()).applyRequestedAt;
    const first = await store.requestApply();
    expect(first.generation).toBe(await store.assignmentGeneration());
    expect(await pending()).toEqual(first.applyRequestedAt);
    expect((await store.readPlanningInput()).applyRequestedAt).toEqual(first.applyRequestedAt);
    let second = first;
    expect(await raised(store, async () => (second = await store.requestApply()))).toBe(1);
    expect(second.applyRequestedAt.getTime()).toBeGreaterThan(first.applyRequestedAt.getTime());

    await store.writeAssignment(fence, [], { applied: first.applyRequestedAt });
    expect(await pending()).toEqual(second.applyRequestedAt);
    await store.writeAssignment(fence, [toC('drain')]);
    expect(await pending()).toEqual(second.applyRequestedAt);
    const stranger = { ...fence, epoch: fence.epoch + 1 };
    await store.writeAssignment(stranger, [], { applied: second.applyRequestedAt });
    expect(await pending()).toEqual(second.applyRequestedAt);
    await store.writeAssignment(fence, [], { applied: second.applyRequestedAt });
    expect(await pending()).toBeNull();
    expect((await store.readPlanningInput()).applyRequestedAt).toBeNull();
    const third = await store.requestApply();
    expect(await pending()).toEqual(third.applyRequestedAt);
  });

  test.each(['balance', 'agent_joined', 'prefer'] as const)(
    'a move for %s leaves what an operator put somewhere, until a request to apply',
    async (reason) => {
      const store = await (await backend.database()).store();
      const fence = await pinned(store);
      const write = async () => {
        await store.writeAssignment(fence, [toC(reason)]);
        return (await partition(store))?.assignedTo;
      };
      expect(await write()).toBe('b');
      const { applyRequestedAt } = await store.requestApply();
      expect(await partition(store)).toMatchObject({ assignedTo: 'b', pinned: false });
      // Carried out or not: what was pinned before is free.
      await store.writeAssignment(fence, [], { applied: applyRequestedAt });
      expect(await partition(store)).toMatchObject({ assignedTo: 'b', pinned: false });
      // The same move said again is a pin again.
      expect(await raised(store, () => store.assign('orders', 0, 'b', null))).toBe(1);
      expect(await partition(store)).toMatchObject({ assignedTo: 'b', pinned: true });
      expect(await write()).toBe('b');
      await store.requestApply();
      expect(await write()).toBe('c');
    },
  );
}
