// The contract of operators' moves: advice with a pin, which no plan that did not know of it undoes.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import type { Backend } from './backend.ts';
import {
  agent,
  expectRefusal,
  expire,
  join,
  ledPartition,
  orders,
  raised,
  take,
  topic,
  ttlMs,
} from './samples.ts';

export function operatorMoveContract(backend: Backend): void {
  test('a moved partition is wanted elsewhere, as an operator said, and its leader leads on', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    await join(store, 'b');
    const move = async () => {
      const { epoch } = fence;
      const moved = await store.assign('orders', 0, 'b', epoch);
      expect(moved).toEqual({ generation: await store.assignmentGeneration(), to: 'b', holder: 'a', epoch });
    };
    expect(await raised(store, move)).toBe(1);
    expect(await store.readTargets([{ topic: 'orders', partition: 0 }])).toEqual([
      { topic: 'orders', partition: 0, agentId: 'b' },
    ]);
    expect((await store.readAssignment('b')).partitions).toEqual([{ topic: 'orders', partition: 0 }]);
    expect((await store.readPlanningInput()).partitions).toMatchObject([
      { assignedTo: 'b', holder: 'a', pinned: true },
    ]);
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: fence.epoch });
    expect(await raised(store, move)).toBe(0);
  });

  test('a move of another term, to nobody or of nothing changes nothing', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { fence } = await ledPartition(store);
    await join(store, 'b');
    await store.endSession(await join(store, 'dead'), 'deregistered');
    const picky = {
      sessionId: randomUUID(),
      agent: agent('picky', { managedTopics: ['x*'] }),
      ttlMs,
      process: 'p',
    };
    await store.registerSession(picky);
    for (const placement of ['cordoned', 'draining'] as const) {
      await join(store, placement);
      await store.setPlacement(placement, placement);
    }
    await store.setServing(await join(store, 'down'), 'broker_down');
    const attempts = async () => {
      for (const expected of [fence.epoch - 1, fence.epoch + 1]) {
        const facts = { givenEpoch: expected, currentEpoch: fence.epoch };
        await expectRefusal(store.assign('orders', 0, 'b', expected), 'fenced', facts);
        await expectRefusal(store.assign('orders', 0, null, expected), 'fenced', facts);
      }
      await expectRefusal(store.assign('orders', 1, 'b', null), 'not_found');
      await expectRefusal(store.assign('none', 0, 'b', null), 'not_found');
      await expectRefusal(store.assign('orders', 0, 'nobody', null), 'not_found');
      for (const unfit of ['dead', 'picky', 'cordoned', 'draining', 'down']) {
        await expectRefusal(store.assign('orders', 0, unfit, null), 'conflict');
      }
    };
    expect(await database.rowsWritten(attempts)).toEqual([]);
    expect(await store.readTargets([{ topic: 'orders', partition: 0 }])).toMatchObject([{ agentId: null }]);
  });

  test('without a name the least loaded that can take it is chosen, other than where it is', async () => {
    const database = await backend.database();
    const store = await database.store();
    await store.createTopic(topic('orders', 8));
    const a = await join(store, 'a');
    const fence = { sessionId: a, epoch: await take(store, a, COORDINATOR) };
    await take(store, a, orders);
    await join(store, 'b');
    const heavy = { sessionId: randomUUID(), agent: agent('heavy', { weight: 6 }), ttlMs, process: 'p' };
    await store.registerSession(heavy);
    await join(store, 'cordoned');
    await store.setPlacement('cordoned', 'cordoned');
    await expire(database, await join(store, 'silent'));
    const moves = [1, 2, 3, 4].map(
      (partition) => ({ topic: 'orders', partition, from: null, to: 'heavy', reason: 'balance' }) as const,
    );
    await store.writeAssignment(fence, moves);
    // heavy would have 5 for its weight of 6, b one for one; a, who would have as little, leads it now.
    expect(await store.assign('orders', 0, null, null)).toMatchObject({ to: 'heavy', holder: 'a' });
    // The same request again, because its reply was lost: not on to a third, which is b now.
    expect(await raised(store, () => store.assign('orders', 0, null, null))).toBe(0);
    // Nobody leads 4, so it is where it is assigned, though heavy is the least loaded now.
    await store.assign('orders', 5, 'a', null);
    await store.assign('orders', 6, 'b', null);
    expect(await store.assign('orders', 4, null, null)).toMatchObject({ to: 'a', holder: null });
    await store.setPlacement('heavy', 'draining');
    await store.setPlacement('b', 'cordoned');
    await expectRefusal(store.assign('orders', 0, null, null), 'conflict');
  });

  test('a vacant partition is moved as well', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders'));
    await join(store, 'b');
    expect(await store.assign('orders', 0, 'b', 0)).toMatchObject({ to: 'b', holder: null, epoch: 0 });
  });

  test("a plan that did not know of an operator's move does not undo it, and one that did may", async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders', 4));
    const a = await join(store, 'a');
    const fence = { sessionId: a, epoch: await take(store, a, COORDINATOR) };
    for (const agentId of ['b', 'c']) await join(store, agentId);
    const move = (partition: number, from: string | null, to: string | null, reason: 'balance' | 'drain') =>
      ({ topic: 'orders', partition, from, to, reason }) as const;
    const targets = async () => {
      const keys = [0, 1, 2, 3].map((partition) => ({ topic: 'orders', partition }));
      return (await store.readTargets(keys)).map(({ agentId }) => agentId);
    };
    await store.writeAssignment(
      fence,
      [0, 1, 2].map((partition) => move(partition, null, 'a', 'balance')),
    );
    await store.assign('orders', 0, 'c', null);
    await store.assign('orders', 1, 'c', null);
    await store.assign('orders', 2, 'a', null);
    await store.assign('orders', 3, 'c', null);
    // Made from what was before: everything but partition 3 at a, that one nowhere.
    await store.writeAssignment(fence, [
      move(0, 'a', 'b', 'drain'),
      move(1, 'a', null, 'drain'),
      move(2, 'a', 'b', 'balance'),
      move(3, null, 'b', 'balance'),
    ]);
    expect(await targets()).toEqual(['c', 'c', 'a', 'c']);
    await store.writeAssignment(fence, [
      move(0, 'c', 'b', 'drain'),
      move(1, 'c', null, 'drain'),
      move(2, 'a', 'b', 'drain'),
    ]);
    expect(await targets()).toEqual(['b', null, 'b', 'c']);
    const { partitions } = await store.readPlanningInput();
    expect(partitions.map(({ pinned }) => pinned)).toEqual([false, false, false, true]);
  });

  test('targets are told in the order asked, also of what is not there', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders', 2));
    await join(store, 'b');
    await store.assign('orders', 1, 'b', null);
    const keys = [
      { topic: 'none', partition: 0 },
      { topic: 'orders', partition: 1 },
      { topic: 'orders', partition: 7 },
      { topic: 'orders', partition: 0 },
    ];
    const agents = [null, 'b', null, null];
    expect(await store.readTargets(keys)).toEqual(keys.map((key, i) => ({ ...key, agentId: agents[i] })));
    expect(await store.readTargets([])).toEqual([]);
  });
}
