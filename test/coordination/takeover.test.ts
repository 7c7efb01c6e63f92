// An agent that nobody hears any more is taken over after its TTL, whoever it is, and never shows what it has lost.
import { expect, inject, test } from 'vitest';
import { COORDINATOR, leaseKeyText } from '../../src/domain/lease.ts';
import { eventually } from '../support/eventually.ts';
import { type Neighbour, Neighbours, ttlMs } from './neighbours.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

const orders = { name: 'orders', partitionCount: 12, retentionMs: null, config: {} };

async function joined(...agentIds: readonly string[]): Promise<Neighbours> {
  const neighbours = await Neighbours.open(url);
  await neighbours.store.createTopic(orders);
  for (const agentId of agentIds) await neighbours.join(agentId);
  await neighbours.settled(agentIds.map(() => 12 / agentIds.length));
  return neighbours;
}

function silence(...agents: readonly (Neighbour | undefined)[]): void {
  for (const agent of agents) if (agent) agent.proxy.mode = 'blackhole';
}

function messages({ logs }: Neighbour): string[] {
  return logs.map(({ message }) => message);
}

test('a silent agent is taken over after its TTL under higher epochs, and registers anew when it is back', async () => {
  await using neighbours = await joined('a', 'b', 'c');
  const silent = neighbours.agents[2];
  if (silent === undefined) throw new Error('nobody to silence');
  const { sessionId } = silent.agent;
  const before = await neighbours.leases();
  const silencedMs = performance.now();
  silence(silent);
  await neighbours.settled([6, 6, 0]);
  // Its last heartbeat came at most an interval before, and a reaper looks every 100 ms.
  expect(performance.now() - silencedMs).toBeGreaterThan(ttlMs - ttlMs / 4 - 100);
  expect(silent.agent.status()).toMatchObject({ state: 'suspended', sessionId, leases: 0 });
  const after = await neighbours.leases();
  const changed = [...before].filter(([key, { epoch }]) => (after.get(key)?.epoch ?? 0) !== epoch);
  expect(changed.map(([key]) => key)).toEqual(
    [...before].filter(([, { agentId }]) => agentId === 'c').map(([key]) => key),
  );
  for (const [key, { epoch }] of changed) expect(after.get(key)?.epoch).toBeGreaterThan(epoch);

  silent.proxy.mode = 'pass';
  await eventually(() => silent.agent.sessionId !== null && silent.agent.sessionId !== sessionId);
  await neighbours.settled([4, 4, 4]);
  expect(messages(silent)).toContain('session lost; registering anew');
  const now = await neighbours.leases();
  for (const { key, epoch } of silent.agent.held().terms) {
    expect(now.get(leaseKeyText(key))).toEqual({ agentId: 'c', epoch });
    expect(epoch).toBeGreaterThan(after.get(leaseKeyText(key))?.epoch ?? Infinity);
  }
  expect(neighbours.violations).toEqual([]);
});

test('a silent coordinator is reaped by another, who takes its role; back again it follows', async () => {
  await using neighbours = await joined('a', 'b', 'c');
  const [a, b, c] = neighbours.agents;
  const before = await neighbours.store.getLease(COORDINATOR);
  expect(before).toMatchObject({ agentId: 'a' });
  silence(a);
  await neighbours.settled([0, 6, 6]);
  const after = await neighbours.store.getLease(COORDINATOR);
  expect(after?.epoch).toBeGreaterThan(before?.epoch ?? Infinity);
  expect(['b', 'c']).toContain(after?.agentId);
  expect(a?.agent.status()).toMatchObject({ state: 'suspended', isCoordinator: false });
  expect([b, c].filter((agent) => agent?.agent.status().isCoordinator)).toHaveLength(1);

  if (a) a.proxy.mode = 'pass';
  await neighbours.settled([4, 4, 4]);
  expect(a?.agent.status()).toMatchObject({ state: 'active', isCoordinator: false });
  expect((await neighbours.store.getLease(COORDINATOR))?.epoch).toBe(after?.epoch);
  expect(neighbours.violations).toEqual([]);
});

test('coordinator and both deputies silent at once: the rest take over role and leases', async () => {
  await using neighbours = await joined('a', 'b', 'c', 'd');
  silence(...neighbours.agents.slice(0, 3));
  await neighbours.join('e');
  await neighbours.settled([0, 0, 0, 6, 6]);
  const role = await neighbours.store.getLease(COORDINATOR);
  expect(['d', 'e']).toContain(role?.agentId);
  expect(neighbours.violations).toEqual([]);
});
