// A new era under agents that run: what they trusted is theirs again at once, and nobody else's.
import { expect, inject, onTestFinished, test } from 'vitest';
import { fence } from '../../src/app/store-tools.ts';
import { EPOCHS_PER_ERA } from '../../src/domain/limits.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import { join, orders, topic } from '../store/contract/samples.ts';
import { eventually } from '../support/eventually.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';
import { startTestAgent, storeOptions } from './cluster.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

test('agents that trusted their partitions have them back within the quarantine, under the new era; a newcomer waits', async () => {
  const schema = freshSchemaName();
  onTestFinished(() => dropSchema(url, schema));
  const store = await openPostgresStore(storeOptions(url, schema));
  onTestFinished(() => store[Symbol.asyncDispose]());
  await store.createTopic(topic('orders', 6));
  const agents = ['a', 'b'].map((agentId) => {
    // Long enough that everything below happens in one quarantine.
    const agent = startTestAgent({ url, schema, agentId, ttlMs: 12_000 });
    onTestFinished(() => agent.stop());
    return agent;
  });
  const holders = async () => {
    const { items } = await store.listPartitionLeases({}, { limit: 100 });
    return items.map(({ agentId }) => agentId);
  };
  const epochs = async () => {
    const { items } = await store.listPartitionLeases({}, { limit: 100 });
    return items.map(({ epoch }) => epoch);
  };
  await eventually(() => agents.every(({ agent }) => agent.held().terms.length === 3), {
    what: 'three each',
  });
  const before = await holders();

  const force = { schema, caFile: undefined, above: 0, force: true, confirm: async () => true };
  expect(await fence(url, force)).toMatchObject({ outcome: 'opened', nextEra: 2 });
  for (const { agent } of agents) agent.announce('session');

  await eventually(async () => (await epochs()).every((epoch) => epoch === 2 * EPOCHS_PER_ERA), {
    what: 'all partitions to be led in the new era',
  });
  expect(await holders()).toEqual(before);
  const newcomer = await join(store, 'c');
  const role = { kind: 'role', name: 'compactor' } as const;
  expect((await store.acquireLeases(newcomer, [orders, role])).outcomes).toMatchObject([
    { outcome: 'held' },
    { outcome: 'quarantined' },
  ]);
  expect(agents.map(({ agent }) => agent.status().isCoordinator)).toEqual([false, false]);
});
