// What is wanted and what is held come together again after every failure, and nothing that is being given up is shown.
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { leaseKeyText, partitionKey } from '../../src/domain/lease.ts';
import { faults } from './faulty-store.ts';
import { budget, pollMs, Stage, type StagedAgent, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);

const orders = { name: 'orders', partitionCount: 4, retentionMs: null, config: {} };

let stage: Stage;
let a: StagedAgent;

beforeEach(async () => {
  stage = await Stage.open(url, schema);
  await stage.store.createTopic(orders);
  a = await stage.join('a');
  expect(shown(a)).toHaveLength(4);
});

afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

function shown({ agent }: StagedAgent): string[] {
  return agent.held().terms.map(({ key, epoch }) => `${leaseKeyText(key)} ${epoch}`);
}

async function storedFor(agentId: string): Promise<string[]> {
  const { items } = await stage.store.listPartitionLeases({ agentId }, { limit: 100 });
  return items.map(({ key, epoch }) => `${leaseKeyText(key)} ${epoch}`);
}

/** Moves time by as much in steps of 100 ms, looking after each. */
async function advanceWatching(ms: number, look: () => unknown): Promise<void> {
  for (let movedMs = 0; movedMs < ms; movedMs += 100) {
    await stage.clock.advance(100);
    await look();
  }
}

describe('leases that the plan gives to another', () => {
  test.each([
    ['the requests to release them are lost', faults.loseRequest],
    ['the replies of their releases are lost', faults.loseReply],
    ['the store refuses to release them', faults.refuse],
  ])('are released in the end and never shown meanwhile, though %s', async (_, fault) => {
    a.faulty.next('releaseLeases', fault, 4);
    const all = shown(a);
    await stage.register(await stage.actor(), 'b');
    let kept: string[] | undefined;
    await advanceWatching(2 * budget.heartbeatIntervalMs, () => {
      if (a.faulty.count('releaseLeases') > 0) kept ??= shown(a);
      // From the first attempt to give them up they are never seen again, whatever becomes of it.
      expect(shown(a)).toEqual(kept ?? all);
    });
    expect(kept).toHaveLength(2);
    expect(a.faulty.count('releaseLeases')).toBeGreaterThan(1);
    expect(await storedFor('a')).toEqual(shown(a));
  });

  test('and then wants here again are had under higher epochs, once the store has answered their release', async () => {
    const epochOf = (text: string) => text.split(' ');
    const before = new Map(shown(a).map((text) => [epochOf(text)[0], Number(epochOf(text)[1])]));
    a.faulty.always(faults.loseRequest, 'releaseLeases');
    const { sessionId } = await stage.register(await stage.actor(), 'b');
    await stage.clock.advance(2 * budget.heartbeatIntervalMs);
    const kept = shown(a);
    expect(kept).toHaveLength(2);
    await stage.store.endSession(sessionId, 'deregistered');
    await advanceWatching(2 * budget.heartbeatIntervalMs, () => expect(shown(a)).toEqual(kept));
    expect((await stage.store.readAssignment('a')).partitions).toHaveLength(4);
    a.faulty.heal();
    await stage.clock.advance(2 * budget.heartbeatIntervalMs);
    const anew = shown(a).filter((text) => !kept.includes(text));
    expect(anew).toHaveLength(2);
    for (const text of anew) {
      const [key, epoch] = epochOf(text);
      expect(Number(epoch)).toBeGreaterThan(before.get(key) ?? Infinity);
    }
  });

  test('are taken by the other once they are free, and held by nobody else before', async () => {
    const b = await stage.start('b');
    await advanceWatching(2 * budget.heartbeatIntervalMs, () => {
      const keys = [...shown(a), ...shown(b)].map((text) => text.split(' ')[0]);
      expect(new Set(keys).size).toBe(keys.length);
    });
    expect(shown(b)).toHaveLength(2);
    expect([...(await storedFor('a')), ...(await storedFor('b'))]).toEqual([...shown(a), ...shown(b)]);
  });
});

describe('leases that the plan wants', () => {
  beforeEach(async () => {
    await stage.store.createTopic({ ...orders, name: 'payments', partitionCount: 2 });
  });

  test.each([
    ['the requests for them are lost', faults.loseRequest],
    ['the grants are lost', faults.loseReply],
    ['the store refuses to grant them', faults.refuse],
  ])('are held in the end, at the epochs of the store, though %s', async (_, fault) => {
    a.faulty.next('acquireLeases', fault, 4);
    await stage.clock.advance(2 * budget.heartbeatIntervalMs);
    expect(shown(a)).toHaveLength(6);
    expect(await storedFor('a')).toEqual(shown(a));
  });

  test('are held in the end, though the assignment could not be read at first', async () => {
    a.faulty.next('readAssignment', faults.refuse, 3);
    await stage.clock.advance(2 * budget.heartbeatIntervalMs);
    expect(shown(a)).toHaveLength(6);
  });

  test('but another still holds are asked for again until they are free', async () => {
    // A session that the plan does not want to lead them took them before the plan was made.
    const other = await stage.actor();
    const { sessionId } = await stage.register(other, 'b');
    await stage.store.acquireLeases(sessionId, [partitionKey('payments', 0), partitionKey('payments', 1)]);
    await stage.clock.advance(budget.heartbeatIntervalMs);
    const wanted = (await stage.store.readAssignment('a')).partitions;
    const before = shown(a).length;
    await stage.store.endSession(sessionId, 'deregistered');
    await stage.clock.advance(2 * budget.heartbeatIntervalMs);
    expect(before).toBeLessThan(6);
    expect(wanted.length).toBeLessThanOrEqual(6);
    expect(shown(a)).toHaveLength(6);
  });
});

describe('a topic deleted under an agent', () => {
  test('disappears from what it shows at its next heartbeat, and nothing else does', async () => {
    await stage.store.createTopic({ ...orders, name: 'payments', partitionCount: 2 });
    await stage.clock.advance(2 * budget.heartbeatIntervalMs);
    const payments = shown(a).filter((text) => text.startsWith('payments'));
    expect(payments).toHaveLength(2);
    await stage.store.deleteTopic('orders');
    await stage.clock.advance(budget.heartbeatIntervalMs);
    expect(shown(a)).toEqual(payments);
    expect(a.logs.map(({ message }) => message)).toContain('leases lost');
  });

  test('and re-created at once is led again under higher epochs, and the old ones are shown no longer', async () => {
    const before = shown(a);
    await stage.store.deleteTopic('orders');
    await stage.store.createTopic(orders);
    await stage.clock.advance(2 * budget.heartbeatIntervalMs + pollMs);
    expect(shown(a)).toHaveLength(4);
    for (const term of before) expect(shown(a)).not.toContain(term);
    expect(await storedFor('a')).toEqual(shown(a));
  });
});
