// A coordinator that lives and makes no progress loses its role, and nothing else.
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { budget, pollMs, Stage, type StagedAgent, stageSchema } from './stage.ts';
import { faults } from './faulty-store.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);
let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open(url, schema);
});
afterEach(() => stage[Symbol.asyncDispose]());

const coordinators = (...agents: readonly StagedAgent[]): string[] =>
  agents.filter(({ agent }) => agent.status().isCoordinator).map(({ agent }) => agent.status().agentId);

/** Steps no longer than a look, as agents take them. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += pollMs) await stage.clock.advance(pollMs);
}

async function ledByA() {
  const a = await stage.join('a');
  const b = await stage.join('b');
  const c = await stage.join('c');
  await stage.store.createTopic({ name: 'orders', partitionCount: 3, retentionMs: null, config: {} });
  for (const { deps } of [a, b, c]) deps.signals.publish('topics');
  await pass(2 * budget.heartbeatIntervalMs);
  expect(coordinators(a, b, c)).toEqual(['a']);
  return { a, b, c };
}

test('one whose planning never ends is replaced after a TTL, and keeps session and partitions', async () => {
  const { a, b, c } = await ledByA();
  const { sessionId } = a.agent;
  const held = a.agent.held().terms;
  const read = a.faulty.hold('readPlanningInput');
  a.deps.signals.publish('topics');
  await pass(budget.ttlMs - budget.heartbeatIntervalMs);
  expect(coordinators(a, b, c)).toEqual(['a']);
  await pass(3 * budget.heartbeatIntervalMs);
  expect(coordinators(a, b, c)).toHaveLength(1);
  expect(coordinators(a, b, c)).not.toEqual(['a']);
  expect(a.agent.status()).toMatchObject({ state: 'active', sessionId });
  expect(a.agent.held().terms).toEqual(held);
  // Planning goes on.
  await stage.store.createTopic({ name: 'more', partitionCount: 3, retentionMs: null, config: {} });
  for (const { deps } of [b, c]) deps.signals.publish('topics');
  await pass(2 * budget.heartbeatIntervalMs);
  expect(await stage.store.countPartitions()).toMatchObject({ total: 6, led: 6 });
  // What comes of the old plan is refused: the role stays where it is.
  const [elected] = coordinators(b, c);
  read.letGo();
  await pass(2 * budget.ttlMs);
  expect(coordinators(a, b, c)).toEqual([elected]);
});

test('one whose plans are never stored is replaced too, and stands back', async () => {
  const { a, b, c } = await ledByA();
  a.faulty.always(faults.refuse, 'readPlanningInput');
  a.deps.signals.publish('topics');
  await pass(budget.ttlMs + 2 * budget.heartbeatIntervalMs);
  const [elected] = coordinators(a, b, c);
  expect(elected).toMatch(/[bc]/);
  await pass(budget.ttlMs);
  expect(coordinators(a, b, c)).toEqual([elected]);
});

test('one that has nothing to do, and one that nobody can replace, go on', async () => {
  const { a, b, c } = await ledByA();
  await pass(3 * budget.ttlMs);
  expect(coordinators(a, b, c)).toEqual(['a']);
  expect(a.faulty.count('retireCoordinator')).toBe(0);
  for (const { faulty } of [b, c]) faulty.always(faults.refuse, 'retireCoordinator');
  a.faulty.always(faults.refuse, 'readPlanningInput');
  a.deps.signals.publish('topics');
  await pass(2 * budget.ttlMs);
  expect(b.faulty.count('retireCoordinator') + c.faulty.count('retireCoordinator')).toBeGreaterThan(1);
  expect(coordinators(a, b, c)).toEqual(['a']);
});
