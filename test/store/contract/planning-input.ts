// The contract of what the planner is told beyond who is assigned: who is gone, where partitions come from, whom topics prefer.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { flapWindowMs } from '../../../src/domain/flapping.ts';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import type { Move } from '../../../src/domain/planner.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Fence } from '../../../src/store/segments.ts';
import type { Backend } from './backend.ts';
import { agent, expectRefusal, join, reap, take, topic, ttlMs } from './samples.ts';

const move = (partition: number, to: string | null, from: string | null, home?: string): Move => ({
  topic: 'orders',
  partition,
  from,
  to,
  reason: 'agent_left',
  ...(home === undefined ? {} : { home }),
});

/** Agent `a` coordinates, topic `orders` has four partitions. */
async function coordinated(store: MetadataStore): Promise<Fence> {
  const sessionId = await join(store, 'a');
  await store.createTopic(topic('orders', 4));
  return { sessionId, epoch: await take(store, sessionId, COORDINATOR) };
}

async function joinZone(store: MetadataStore, agentId: string, zone: string): Promise<string> {
  const sessionId = randomUUID();
  await store.registerSession({ sessionId, agent: agent(agentId, { zone }), ttlMs, process: 'p' });
  return sessionId;
}

export function planningInputContract(backend: Backend): void {
  test('crashes of an agent are counted for a while, and how long it is back', async () => {
    const database = await backend.database();
    const store = await database.store();
    const crashed: string[] = [];
    while (crashed.length < 3) {
      const sessionId = await join(store, 'a');
      const crashes = crashed.length;
      expect((await store.readPlanningInput()).agents).toMatchObject([{ agentId: 'a', crashes }]);
      await reap(database, store, sessionId);
      crashed.push(sessionId);
    }
    // What ended in order is no crash.
    await store.endSession(await join(store, 'a'), 'deregistered');
    await store.endSession(await join(store, 'a'), 'removed');
    const sessionId = await join(store, 'a');
    await database.sql(`update sessions set ended_at = ${database.timeIn(-flapWindowMs - 1_000)}
      where session_id = '${crashed[0]}'`);
    await database.sql(`update sessions set registered_at = ${database.timeIn(-90_000)}
      where session_id = '${sessionId}'`);
    const [a] = (await store.readPlanningInput()).agents;
    expect(a).toMatchObject({ crashes: 2 });
    expect(a?.aliveForMs).toBeGreaterThanOrEqual(90_000);
    expect(a?.aliveForMs).toBeLessThan(90_000 + ttlMs);
  });

  test('homes are kept as moves name them, and told', async () => {
    const store = await (await backend.database()).store();
    const fence = await coordinated(store);
    const homes = async () => (await store.readPlanningInput()).partitions.map(({ home }) => home);
    await store.writeAssignment(fence, [
      move(0, 'a', null, 'h'),
      move(1, 'a', null),
      move(2, 'a', null, 'i'),
    ]);
    expect(await homes()).toEqual(['h', null, 'i', null]);
    await store.writeAssignment(fence, [move(0, 'b', 'a'), move(1, 'b', 'a', 'a'), move(2, null, 'a', 'i')]);
    expect(await homes()).toEqual([null, 'a', null, null]);
    // An operator says where it belongs.
    await join(store, 'b');
    await join(store, 'c');
    await store.assign('orders', 1, 'c', null);
    expect(await homes()).toEqual([null, null, null, null]);
  });

  test('why a partition is assigned so is told, and of none that there is not', async () => {
    const database = await backend.database();
    const store = await database.store();
    const fence = await coordinated(store);
    expect(await store.getAssignment('orders', 0)).toBeNull();
    await store.writeAssignment(fence, [move(0, 'b', null, 'h')]);
    const assigned = await store.getAssignment('orders', 0);
    expect(assigned).toEqual({
      agentId: 'b',
      reason: 'agent_left',
      assignedAt: expect.any(Date) as unknown,
      home: 'h',
    });
    await expectRefusal(store.getAssignment('orders', 4), 'not_found');
    await expectRefusal(store.getAssignment('none', 0), 'not_found');
  });

  test('agents that are gone are told where something names them, with their zone and how they went', async () => {
    const database = await backend.database();
    const store = await database.store();
    const fence = await coordinated(store);
    const departed = async () => (await store.readPlanningInput()).departed;
    await reap(database, store, await joinZone(store, 'crashed', 'north'));
    await store.endSession(await joinZone(store, 'left', 'south'), 'deregistered');
    await reap(database, store, await joinZone(store, 'crashed-then-left', 'east'));
    await store.endSession(await joinZone(store, 'crashed-then-left', 'east'), 'removed');
    await store.endSession(await joinZone(store, 'unnamed', 'west'), 'deregistered');
    await store.endSession(await joinZone(store, 'back', 'west'), 'deregistered');
    expect(await departed()).toEqual([]);
    await store.writeAssignment(fence, [
      move(0, 'crashed', null),
      move(1, 'a', null, 'left'),
      move(2, 'crashed-then-left', null, 'back'),
      move(3, 'never-was', null),
    ]);
    const back = { agentId: 'back', zone: 'west', hasCrashed: false };
    const others = [
      { agentId: 'crashed', zone: 'north', hasCrashed: true },
      { agentId: 'crashed-then-left', zone: 'east', hasCrashed: false },
      { agentId: 'left', zone: 'south', hasCrashed: false },
    ];
    expect(await departed()).toEqual([back, ...others]);
    await join(store, 'back');
    expect(await departed()).toEqual(others);
  });

  test('an agent that is forgotten while partitions name it does no harm', async () => {
    const database = await backend.database();
    const store = await database.store();
    const fence = await coordinated(store);
    await reap(database, store, await join(store, 'gone'));
    await store.writeAssignment(fence, [move(0, 'gone', null), move(1, 'a', null, 'gone')]);
    expect(await store.purge(-1_000)).toMatchObject({ agents: 1 });
    const { departed, partitions } = await store.readPlanningInput();
    expect(departed).toEqual([]);
    expect(partitions).toMatchObject([{ assignedTo: 'gone' }, { home: 'gone' }, {}, {}]);
    expect(await store.getAssignment('orders', 1)).toMatchObject({ agentId: 'a', home: 'gone' });
    await store.writeAssignment(fence, [move(0, 'a', 'gone', 'gone')]);
    expect((await store.readAssignment('a')).partitions).toHaveLength(2);
    await join(store, 'gone');
    expect((await store.readPlanningInput()).departed).toEqual([]);
  });

  test('whom topics prefer is told by partition, and nothing of what is malformed', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic({ ...topic('all', 2), config: { prefer: 'a,b' } });
    await store.createTopic({ ...topic('broken', 1), config: { prefer: { no: 'list' } } });
    await store.createTopic({ ...topic('one', 2), config: { 'prefer.1': ['c'], other: 1 } });
    await store.createTopic({ ...topic('other', 1), config: { note: 'I "prefer" tea' } });
    await store.createTopic(topic('plain', 1));
    const { partitions } = await store.readPlanningInput();
    expect(partitions.map(({ topic, partition, prefer }) => [topic, partition, prefer])).toEqual([
      ['all', 0, ['a', 'b']],
      ['all', 1, ['a', 'b']],
      ['broken', 0, undefined],
      ['one', 0, undefined],
      ['one', 1, ['c']],
      ['other', 0, undefined],
      ['plain', 0, undefined],
    ]);
  });
}
