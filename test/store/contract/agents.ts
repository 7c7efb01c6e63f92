// The contract of agents as people and clients see them.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import type { Backend } from './backend.ts';
import {
  agent,
  all,
  expectRefusal,
  expire,
  join,
  ledPartition,
  orders,
  reap,
  take,
  ttlMs,
} from './samples.ts';

const noAgents = { active: 0, cordoned: 0, broker_down: 0, draining: 0, expired: 0, dead: 0 };

export function agentContract(backend: Backend): void {
  test('an agent is read back as it registered', async () => {
    const store = await (await backend.database()).store();
    const description = agent('a', {
      zone: 'eu-1',
      weight: 1_000,
      managedTopics: ['orders*', 'ü?'],
      metadata: { rack: 7, tags: ['x'] },
    });
    const sessionId = randomUUID();
    await store.registerSession({ sessionId, agent: description, ttlMs, process: 'p' });
    expect(await store.getAgent('a')).toEqual({
      ...description,
      state: 'active',
      placement: 'open',
      sessionId,
      lastHeartbeatAt: expect.any(Date),
      expiresInMs: expect.any(Number),
      leases: 0,
    });
    expect(await store.getAgent('A')).toBeUndefined();
  });

  test('an agent counts the partitions it leads, not its roles', async () => {
    const store = await (await backend.database()).store();
    const { sessionId } = await ledPartition(store);
    await take(store, sessionId, COORDINATOR);
    expect((await store.getAgent('a'))?.leases).toBe(1);
  });

  test('agents are counted by state', async () => {
    const database = await backend.database();
    const store = await database.store();
    expect(await store.countAgents()).toEqual(noAgents);
    for (const agentId of ['a', 'b', 'c']) await join(store, agentId);
    await expire(database, await join(store, 'd'));
    await store.endSession(await join(store, 'e'), 'deregistered');
    await reap(database, store, await join(store, 'f'));
    expect(await store.countAgents()).toEqual({ ...noAgents, active: 3, expired: 1, dead: 2 });
  });

  test('agents are listed in the order of their bytes, the dead among them', async () => {
    const database = await backend.database();
    const store = await database.store();
    for (const agentId of ['b', 'a_1', 'a.1', 'B', 'a-1']) await join(store, agentId);
    await store.endSession((await store.getAgent('B'))?.sessionId ?? '', 'deregistered');
    const { items } = await store.listAgents(all);
    expect(items.map(({ agentId, state }) => [agentId, state])).toEqual([
      ['B', 'dead'],
      ['a-1', 'active'],
      ['a.1', 'active'],
      ['a_1', 'active'],
      ['b', 'active'],
    ]);
    expect(items[0]).toMatchObject({ sessionId: null, expiresInMs: null, lastHeartbeatAt: expect.any(Date) });
  });

  test('a dead agent is removed, a live one only asked to end', async () => {
    const store = await (await backend.database()).store();
    const { sessionId, fence } = await ledPartition(store);
    await expectRefusal(store.removeAgent('other', { force: true }), 'not_found');
    await expectRefusal(store.removeAgent('a', { force: false }), 'conflict');
    expect(await store.heartbeat(sessionId)).toMatchObject({ endRequested: false });
    expect(await store.removeAgent('a', { force: true })).toBe('asked');
    expect(await store.heartbeat(sessionId)).toMatchObject({ outcome: 'renewed', endRequested: true });
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: fence.epoch });
    await store.endSession(sessionId, 'removed');
    expect(await store.removeAgent('a', { force: false })).toBe('removed');
    expect(await store.getAgent('a')).toBeUndefined();
    await expectRefusal(store.removeAgent('a', { force: false }), 'not_found');
  });

  test('purging forgets what died long ago, and nothing that lives', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    const alive = await join(store, 'alive');
    await reap(database, store, sessionId);
    expect(await store.purge(3_600_000)).toEqual({ agents: 0, historyRows: 0, leases: 0 });
    const longAgo = database.timeIn(-7_200_000);
    await database.sql(`update sessions set ended_at = ${longAgo} where session_id = '${sessionId}'`);
    await database.sql(
      `update agents set registered_at = ${longAgo} where agent_id = 'a' and exists (
        select 1 from sessions s where s.session_id = '${sessionId}' and s.group_name = agents.group_name)`,
    );
    expect(await store.purge(3_600_000)).toMatchObject({ agents: 1 });
    expect(await store.getAgent('a')).toBeUndefined();
    expect(await store.heartbeat(sessionId)).toEqual({ outcome: 'session_lost', reason: 'unknown' });
    expect(await store.heartbeat(alive)).toMatchObject({ outcome: 'renewed' });
    expect(await store.getLease(orders)).toMatchObject({ agentId: null, epoch: fence.epoch });
  });

  test('a purged agent may come back under its name', async () => {
    const store = await (await backend.database()).store();
    const first = await join(store, 'a');
    await store.endSession(first, 'deregistered');
    await store.purge(-1_000);
    expect(await store.getAgent('a')).toBeUndefined();
    await join(store, 'a');
    expect(await store.getAgent('a')).toMatchObject({ state: 'active' });
  });
}
