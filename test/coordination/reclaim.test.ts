// What an agent may have back in the quarantine of a new era is what it still trusted when it heard of it. The era is opened for the whole
// schema, so this has one of its own.
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { fence } from '../../src/app/store-tools.ts';
import { faults } from './faulty-store.ts';
import { budget, Stage, type StagedAgent, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);

let stage: Stage;
let a: StagedAgent;

beforeEach(async () => {
  stage = await Stage.open(url, schema);
  await stage.store.createTopic({ name: 'orders', partitionCount: 4, retentionMs: null, config: {} });
  a = await stage.join('a');
});

afterEach(() => stage[Symbol.asyncDispose]());

test('an agent whose trust had passed when it heard of a new era has nothing back in its quarantine', async () => {
  const { sessionId } = a.agent;
  expect(a.agent.held().terms).toHaveLength(4);
  a.faulty.always(faults.loseRequest, 'heartbeat');
  await stage.clock.advance(budget.ttlMs);
  expect(a.agent.status()).toMatchObject({ state: 'suspended', sessionId });
  const options = { schema, caFile: undefined, above: 0, force: true, confirm: async () => true };
  expect(await fence(url, options)).toMatchObject({ outcome: 'opened' });
  a.faulty.heal();
  await stage.clock.advance(2 * budget.heartbeatIntervalMs);
  expect(a.agent.status()).toMatchObject({ state: 'active', leases: 0 });
  expect(a.agent.sessionId).not.toBe(sessionId);
  expect(a.logs.map(({ message }) => message)).toContain('leases wait for the quarantine of a new era');
});
