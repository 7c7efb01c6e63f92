// Agents on a real PostgreSQL, in one process: joining, leaving, and what the assignment does meanwhile.
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import { eventually } from '../support/eventually.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';
import { startTestAgent, storeOptions, type TestAgent, type TestAgentOptions } from './cluster.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

let schema: string;
let store: MetadataStore;
let agents: TestAgent[];

beforeEach(async () => {
  schema = freshSchemaName();
  agents = [];
  store = await openPostgresStore(storeOptions(url, schema));
});

afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  await store[Symbol.asyncDispose]();
  await dropSchema(url, schema);
});

function join(agentId: string, more: Partial<TestAgentOptions> = {}): TestAgent {
  const agent = startTestAgent({ url, schema, agentId, ...more });
  agents.push(agent);
  return agent;
}

function counts(): number[] {
  return agents.map(({ agent }) => agent.held().terms.length);
}

async function settled(expected: readonly number[]): Promise<void> {
  await eventually(() => counts().join() === expected.join(), {
    what: `leases held to be ${expected.join()}; they are ${counts().join()}`,
  });
}

async function leases(): Promise<ReadonlyMap<string, { agentId: string | null; epoch: number }>> {
  const { items } = await store.listPartitionLeases({}, { limit: 10_000 });
  return new Map(items.map(({ key, agentId, epoch }) => [JSON.stringify(key), { agentId, epoch }]));
}

const orders = { name: 'orders', partitionCount: 12, retentionMs: null, config: {} };

describe('agents on one PostgreSQL', () => {
  test('three agents share twelve partitions, and a fourth takes three without a second move', async () => {
    await store.createTopic(orders);
    join('a');
    await settled([12]);
    join('b');
    await settled([6, 6]);
    join('c');
    await settled([4, 4, 4]);
    const before = await leases();
    join('d');
    await settled([3, 3, 3, 3]);
    const after = await leases();
    const moved = [...after].filter(([key, { epoch }]) => before.get(key)?.epoch !== epoch);
    expect(moved).toHaveLength(3);
  });

  test('a topic created later is led by all, and touches nothing that is led already', async () => {
    join('a');
    join('b');
    await store.createTopic(orders);
    await settled([6, 6]);
    const before = await leases();
    await store.createTopic({ ...orders, name: 'payments', partitionCount: 4 });
    await settled([8, 8]);
    const after = await leases();
    for (const [key, lease] of before) expect(after.get(key)).toEqual(lease);
  });

  test('a leaver gives all it has to the others, and they keep what they have', async () => {
    await store.createTopic(orders);
    join('a');
    join('b');
    join('c');
    await settled([4, 4, 4]);
    const before = await leases();
    const [first] = agents.splice(0, 1);
    await first?.stop();
    await settled([6, 6]);
    const after = await leases();
    for (const [key, lease] of before) {
      if (lease.agentId === 'a') expect(after.get(key)?.epoch).toBeGreaterThan(lease.epoch);
      else expect(after.get(key)).toEqual(lease);
    }
  });

  test('weights share the load, and a topic is led only by those who are willing', async () => {
    await store.createTopic(orders);
    join('a', { weight: 1 });
    join('b', { weight: 2 });
    join('c', { weight: 3, managedTopics: ['pay*'] });
    await settled([4, 8, 0]);
    await store.createTopic({ ...orders, name: 'payments', partitionCount: 6 });
    await eventually(async () => (await store.countPartitions()).led === 18);
    const { items } = await store.listPartitionLeases({ agentId: 'c' }, { limit: 100 });
    expect(items.length).toBeGreaterThan(0);
    for (const { key } of items) expect(key).toMatchObject({ topic: 'payments' });
  });

  test('a deleted topic is given up by who led it, and led again under higher epochs when it is re-created', async () => {
    await store.createTopic(orders);
    join('a');
    await settled([12]);
    const before = await leases();
    await store.deleteTopic('orders');
    await settled([0]);
    await store.createTopic(orders);
    await settled([12]);
    for (const [key, { epoch }] of await leases()) expect(epoch).toBeGreaterThan(before.get(key)?.epoch ?? 0);
  });

  test('an operator ends a session by force: the agent hands over and comes back under a new one', async () => {
    await store.createTopic(orders);
    const a = join('a');
    await settled([12]);
    const { sessionId } = a.agent;
    await expect(store.removeAgent('a', { force: false })).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.removeAgent('a', { force: true })).toBe('asked');
    await eventually(() => a.agent.sessionId !== null && a.agent.sessionId !== sessionId);
    await settled([12]);
  });
});
