// How often a coordinator plans, which reads all there is: once for each change, however many tell it of that.
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { budget, pollMs, Stage, type StagedAgent, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const schema = stageSchema(target.url);
const orders = { name: 'orders', partitionCount: 6, retentionMs: null, config: {} };

let stage: Stage;
let a: StagedAgent;

beforeEach(async () => {
  stage = await Stage.open(target.url, schema);
  await stage.store.createTopic(orders);
  a = await stage.start('a');
});

afterEach(() => stage[Symbol.asyncDispose]());

function plans(): number {
  return a.faulty.count('readPlanningInput');
}

/** The input is asked for, looks and a heartbeat come meanwhile, and then it is read. */
async function readSlowly(begin: () => void = () => undefined): Promise<void> {
  const read = a.faulty.hold('readPlanningInput');
  begin();
  await stage.clock.advance(2 * pollMs);
  await read.arrived;
  a.agent.announce('session');
  await stage.clock.advance(3 * pollMs);
  read.letGo();
  await stage.clock.advance(3 * pollMs);
}

test('a new coordinator plans once, whoever is seen while it reads', async () => {
  await readSlowly();
  expect(a.agent.held().terms).toHaveLength(6);
  expect(plans()).toBe(1);
});

test('an agent that joins is planned for once, by whoever tells of it or when it is seen', async () => {
  await stage.clock.advance(3 * pollMs);
  const before = plans();
  const b = await stage.start('b');
  await readSlowly(() => a.agent.announce('membership'));
  expect(plans() - before).toBe(1);
  await stage.clock.advance(20 * pollMs);
  expect(a.agent.held().terms.length + b.agent.held().terms.length).toBe(6);
});

test('another session of an agent that was planned for is a change, though nobody tells of it', async () => {
  const b = await stage.actor();
  const { sessionId } = await stage.register(b, 'b');
  await stage.clock.advance(4 * pollMs);
  const before = plans();
  await stage.store.endSession(sessionId, 'removed');
  await stage.register(b, 'b');
  await stage.clock.advance(2 * pollMs);
  expect(plans() - before).toBe(1);
});

test('whoever gets something is told before the query planner is', async () => {
  const statistics = a.faulty.hold('assignmentRewritten');
  await stage.clock.advance(2 * pollMs);
  await statistics.arrived;
  await stage.clock.advance(pollMs);
  expect(a.agent.held().terms).toHaveLength(6);
  statistics.letGo();
});

test('a coordinator pings when a ping is due, whenever its rounds are', async () => {
  const pingMs = budget.heartbeatIntervalMs + 1_000;
  await a.stop();
  const b = await stage.join('b', { pingMs });
  let pings = 0;
  b.deps.signals.subscribe((kind) => (pings += kind === 'ping' ? 1 : 0));
  await stage.clock.advance(10 * pingMs);
  expect(pings).toBe(10);
});
