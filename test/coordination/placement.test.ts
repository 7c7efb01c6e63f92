// The coordinator's planning over time: as many moves at once as are allowed, none for balance during a pause, all that an operator
// asks for, and nothing for an agent that crashes again and again.
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { pollMs, Stage, type StagedAgent, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);
const partitionCount = 12;
const placement = { movesMax: 2, returnDelayMs: 60_000 };

let stage: Stage;
let a: StagedAgent;

beforeEach(async () => {
  stage = await Stage.open(url, schema);
  a = await stage.join('a', { placement });
  await stage.store.createTopic({ name: 'orders', partitionCount, retentionMs: null, config: {} });
  a.agent.announce('topics');
  await stage.clock.advance(2 * pollMs);
  expect(a.agent.holds()).toHaveLength(partitionCount);
});

afterEach(() => stage[Symbol.asyncDispose]());

async function assignedTo(agentId: string): Promise<number> {
  const { partitions } = await stage.store.readPlanningInput();
  return partitions.filter((partition) => partition.assignedTo === agentId).length;
}

/** Time passes in small steps until it is so. */
async function untilTrue(what: string, check: () => Promise<boolean> | boolean): Promise<void> {
  await eventually(
    async () => {
      if (await check()) return true;
      await stage.clock.advance(pollMs / 4);
      return false;
    },
    { what, everyMs: 1 },
  );
}

/** The broker of `a` is done with what it was asked for. */
async function acknowledgeAll(): Promise<number> {
  const asked = a.agent.holds().filter(({ revoking }) => revoking !== undefined);
  await a.agent.acknowledge(asked);
  return asked.length;
}

test('a join moves partitions in waves, each as large as is allowed', async () => {
  using broker = a.agent.attachBroker();
  const b = await stage.join('b', { placement });
  const waves: number[] = [];
  for (let wave = 1; wave <= 3; wave += 1) {
    await untilTrue(`wave ${wave}`, async () => (await assignedTo('b')) === 2 * wave);
    // Nothing more, however often it is planned, before the broker has let go of these.
    await stage.clock.advance(2 * pollMs);
    expect(await assignedTo('b')).toBe(2 * wave);
    waves.push(await acknowledgeAll());
  }
  expect(broker).toBeDefined();
  expect(waves).toEqual([2, 2, 2]);
  await untilTrue('both to lead', () => b.agent.holds().length === partitionCount / 2);
  await stage.clock.advance(4 * pollMs);
  expect(await assignedTo('a')).toBe(partitionCount / 2);
  // Whichever wave they came with.
  const ofB = b.agent.holds().map(({ key }) => stage.store.getAssignment(key.topic, key.partition));
  expect(new Set((await Promise.all(ofB)).map((assignment) => assignment?.reason))).toEqual(
    new Set(['agent_joined']),
  );
});

test('a takeover is not bound', async () => {
  const b = await stage.join('b', { placement });
  await untilTrue('b to lead half', () => b.agent.holds().length === partitionCount / 2);
  // In one plan, although six are more than two.
  const before = await stage.store.assignmentGeneration();
  await b.stop();
  await untilTrue('a to lead all', () => a.agent.holds().length === partitionCount);
  const plans = a.logs.filter(({ message }) => message === 'assignment written');
  expect(plans.at(-1)?.fields).toMatchObject({ moves: partitionCount / 2, deferred: 0 });
  expect(await stage.store.assignmentGeneration()).toBeGreaterThan(before);
});

describe('during a pause', () => {
  beforeEach(async () => {
    await stage.store.setPaused(true);
    a.agent.announce('membership');
  });

  test('nothing moves to an agent that joins, until balancing is resumed', async () => {
    await stage.join('b', { placement });
    await stage.clock.advance(10 * pollMs);
    expect(await assignedTo('b')).toBe(0);
    await stage.store.setPaused(false);
    a.agent.announce('membership');
    await untilTrue('b to have its share', async () => (await assignedTo('b')) === partitionCount / 2);
  });

  test('what a dead agent led is led again, and new partitions are', async () => {
    const b = await stage.join('b', { placement });
    await stage.store.createTopic({ name: 'late', partitionCount: 12, retentionMs: null, config: {} });
    a.agent.announce('topics');
    await untilTrue('b to lead the new ones', () => b.agent.holds().length === 12);
    await b.stop();
    await untilTrue('a to lead all', () => a.agent.holds().length === 24);
  });

  test('an operator gets a whole plan all the same, wave by wave, and the pause goes on', async () => {
    await stage.join('b', { placement });
    await stage.store.requestApply();
    a.agent.announce('membership');
    await untilTrue('b to have its share', async () => (await assignedTo('b')) === partitionCount / 2);
    await untilTrue(
      'the request to be done',
      async () => (await stage.store.readRebalance()).applyRequestedAt === null,
    );
    expect((await stage.store.readRebalance()).pausedSince).not.toBeNull();
    await stage.store.createTopic({ name: 'late', partitionCount: 3, retentionMs: null, config: {} });
    a.agent.announce('topics');
    await untilTrue(
      'the new ones to be assigned',
      async () => (await assignedTo('a')) + (await assignedTo('b')) === 15,
    );
    await stage.join('c', { placement });
    await stage.clock.advance(10 * pollMs);
    expect(await assignedTo('c')).toBe(0);
  });
});

test('an operator’s pin is lifted by a request to apply, and one set after it holds', async () => {
  await stage.join('b', { placement });
  await untilTrue('b to have its share', async () => (await assignedTo('b')) === partitionCount / 2);
  const { partitions } = await stage.store.readPlanningInput();
  const ofA = partitions.filter((partition) => partition.assignedTo === 'a').slice(0, 3);
  for (const { topic, partition } of ofA) await stage.store.assign(topic, partition, 'b', null);
  a.agent.announce('assignment');
  await stage.clock.advance(10 * pollMs);
  const pinned = async () =>
    (await stage.store.readPlanningInput()).partitions.filter((partition) => partition.pinned).length;
  expect(await pinned()).toBe(3);
  await stage.store.requestApply();
  a.agent.announce('membership');
  await untilTrue('balance', async () => (await assignedTo('b')) === partitionCount / 2);
  expect(await pinned()).toBe(0);
  const [again] = ofA;
  if (again === undefined) throw new Error('nothing to pin');
  await stage.store.assign(again.topic, again.partition, 'b', null);
  expect(await pinned()).toBe(1);
});

test('an agent that crashed twice gets nothing until it has settled', async () => {
  for (const sessionId of [crypto.randomUUID(), crypto.randomUUID()]) {
    await stage.store.registerSession({
      sessionId,
      agent: { agentId: 'b', address: 'b:1', zone: 'default', weight: 1, managedTopics: [], metadata: {} },
      ttlMs: 30_000,
      process: 'b',
    });
    const session = (await stage.store.observeSessions()).sessions.find(
      (each) => each.sessionId === sessionId,
    );
    await stage.expire(sessionId);
    expect(await stage.store.reapSession(sessionId, session?.beat ?? -1)).toBe('reaped');
  }
  await stage.join('b', { placement });
  await stage.clock.advance(20 * pollMs);
  expect(await assignedTo('b')).toBe(0);
  // The database's clock goes on by itself; ours is only when it is planned again.
  await stage.liveFor('b', 60_000);
  await stage.clock.advance(45_000);
  await untilTrue('b to have its share', async () => (await assignedTo('b')) === partitionCount / 2);
});
