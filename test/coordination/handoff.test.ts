// A planned move asks the broker first, and nothing is taken from it before it has answered or has had its time.
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { AgentEvent } from '../../src/coordination/agent-events.ts';
import { COORDINATOR, leaseKeyText, partitionKey } from '../../src/domain/lease.ts';
import { StoreUnavailable } from '../../src/domain/refusal.ts';
import { faults } from './faulty-store.ts';
import { budget, Stage, type StagedAgent, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);

const orders = { name: 'orders', partitionCount: 4, retentionMs: null, config: {} };
/** As the stage's agents are told. */
const handoffTimeoutMs = 3_000;

let stage: Stage;
let a: StagedAgent;
let b: StagedAgent;

beforeEach(async () => {
  stage = await Stage.open(url, schema);
  await stage.store.createTopic(orders);
  a = await stage.join('a');
});

afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

/** Another agent comes: two of the four partitions are to go there. Resolves when the broker of `a` has been asked for them. */
async function bComes(): Promise<void> {
  b = await stage.start('b');
  for (let waitedMs = 0; asked(a).length === 0; waitedMs += 50) {
    if (waitedMs > 3 * budget.heartbeatIntervalMs) throw new Error('the broker was never asked');
    await stage.clock.advance(50);
  }
}

function asked({ agent }: StagedAgent) {
  return agent.holds().filter(({ revoking }) => revoking !== undefined);
}

function keysOf({ agent }: StagedAgent): string[] {
  return agent.holds().map(({ key }) => leaseKeyText(key));
}

function events({ agent }: StagedAgent): readonly AgentEvent[] {
  return (agent.journal.after(0, 10_000) ?? []).map(({ event }) => event);
}

/** The events about one partition, in short. */
function story(of: StagedAgent, partition: number): string[] {
  return events(of).flatMap((event) => {
    if (!('partition' in event) || event.partition !== partition) return [];
    const reason = event.type === 'lease.lost' ? ` ${event.reason}` : '';
    return [`${event.type} ${event.epoch}${reason}`];
  });
}

async function advanceUntil(what: string, done: () => unknown, step = 100): Promise<void> {
  for (let waitedMs = 0; !done(); waitedMs += step) {
    if (waitedMs > 4 * budget.ttlMs) throw new Error(`never: ${what}`);
    await stage.clock.advance(step);
  }
}

describe('a planned move with a broker attached', () => {
  let stream: Disposable;

  beforeEach(async () => {
    stream = a.agent.attachBroker();
    await bComes();
  });

  test('leaves the partition with the broker until it acknowledges, then the next begins under the next epoch', async () => {
    const [one] = asked(a);
    if (one === undefined) throw new Error('nothing asked');
    expect(asked(a)).toHaveLength(2);
    expect(keysOf(a)).toHaveLength(4);
    expect(a.agent.held().terms).toHaveLength(4);
    // It flushes: its last segment is appended under the old epoch.
    const { sessionId } = a.agent;
    const fence = { sessionId: sessionId ?? '', epoch: one.epoch };
    const segment = {
      id: 'last',
      baseOffset: 0,
      endOffset: 9,
      recordCount: 10,
      sizeBytes: 1,
      bucket: 'b',
      key: 'k',
    };
    await stage.store.appendSegments(fence, 'orders', one.key.partition, [segment]);
    const [outcome] = await a.agent.acknowledge([one]);
    expect(outcome?.outcome).toBe('released');
    expect(keysOf(a)).not.toContain(leaseKeyText(one.key));
    await advanceUntil('b leads it', () => keysOf(b).includes(leaseKeyText(one.key)));
    expect(story(a, one.key.partition).slice(-2)).toEqual([
      `lease.revoking ${one.epoch}`,
      `lease.lost ${one.epoch} released`,
    ]);
    expect(story(b, one.key.partition)).toEqual([`lease.granted ${one.epoch + 1}`]);
    // Where the log ends was read after the grant: behind what the old leader appended last.
    expect(events(b)).toContainEqual({
      type: 'lease.granted',
      topic: 'orders',
      partition: one.key.partition,
      epoch: one.epoch + 1,
      highWatermark: 10,
    });
  });

  test('nobody else holds it before the answer, and the other two are never asked for', async () => {
    // It looks at what it holds meanwhile.
    a.deps.signals.publish('assignment');
    await stage.clock.advance(handoffTimeoutMs - 500);
    expect(keysOf(a)).toHaveLength(4);
    expect(asked(a)).toHaveLength(2);
    expect(keysOf(b)).toEqual([]);
  });

  test('without an answer by the deadline it is released all the same, told, and counted', async () => {
    const [one, two] = asked(a);
    await advanceUntil('released', () => keysOf(a).length === 2);
    for (const term of [one, two]) {
      expect(story(a, term?.key.partition ?? -1).at(-1)).toBe(`lease.lost ${term?.epoch} handoff_timeout`);
    }
    const metric = await a.deps.instruments.handoffDuration.get();
    const counted = metric.values.find(
      ({ metricName, labels }) => metricName?.endsWith('_count') && labels.result === 'timed_out',
    );
    expect(counted?.value).toBe(2);
    await advanceUntil('b leads both', () => keysOf(b).length === 2);
  });

  test('an acknowledgement under an old epoch releases nothing, and a repeated one is fine while it is vacant', async () => {
    const [one] = asked(a);
    if (one === undefined) throw new Error('nothing asked');
    const [old] = await a.agent.acknowledge([{ key: one.key, epoch: one.epoch - 1 }]);
    expect(old).toMatchObject({ outcome: 'superseded', currentEpoch: one.epoch });
    expect(asked(a)).toHaveLength(2);
    const repeated = await Promise.all([a.agent.acknowledge([one]), a.agent.acknowledge([one])]);
    expect(repeated.flat().map(({ outcome }) => outcome)).toEqual(['released', 'released']);
    expect((await a.agent.acknowledge([one]))[0]?.outcome).toBe('released');
  });

  test('the end of the stream releases at once what was asked for, and nothing else', async () => {
    const second = a.agent.attachBroker();
    stream[Symbol.dispose]();
    await stage.clock.advance(100);
    expect(asked(a)).toHaveLength(2);
    second[Symbol.dispose]();
    await advanceUntil('released', () => keysOf(a).length === 2, 10);
    expect(asked(a)).toEqual([]);
  });

  test('a request is never taken back: wanted again, it still ends, and begins anew under a higher epoch', async () => {
    const [one] = asked(a);
    if (one === undefined) throw new Error('nothing asked');
    await b.stop();
    // The plan wants it here again. The broker may have begun to close it.
    await stage.clock.advance(1_000);
    expect(asked(a).map(({ key }) => leaseKeyText(key))).toContain(leaseKeyText(one.key));
    await a.agent.acknowledge([one]);
    await advanceUntil('led again', () => keysOf(a).includes(leaseKeyText(one.key)));
    const { partition } = one.key;
    expect(story(a, partition).at(-1)).toBe(`lease.granted ${one.epoch + 1}`);
  });

  test('acknowledged while the store is away, it is given up at once and released in the end', async () => {
    const [one] = asked(a);
    if (one === undefined) throw new Error('nothing asked');
    a.faulty.next('releaseLeases', faults.loseRequest);
    await expect(a.agent.acknowledge([one])).rejects.toBeInstanceOf(StoreUnavailable);
    expect(keysOf(a)).not.toContain(leaseKeyText(one.key));
    await advanceUntil('b leads it', () => keysOf(b).includes(leaseKeyText(one.key)));
    expect(story(b, one.key.partition)).toEqual([`lease.granted ${one.epoch + 1}`]);
  });
});

describe('a graceful stop', () => {
  test('asks for everything, waits for the answers, and lets the broker write until then', async () => {
    a.agent.attachBroker();
    const stopping = a.stop();
    await stage.clock.advance(100);
    expect(asked(a)).toHaveLength(4);
    // The plan still names the agent that goes: nobody is told that it gets its own partitions.
    expect(asked(a).map(({ revoking }) => revoking?.to)).toEqual([null, null, null, null]);
    expect(a.agent.held().trustedForMs).toBeGreaterThan(0);
    expect(a.agent.status().state).toBe('draining');
    await a.agent.acknowledge(asked(a));
    await stage.clock.advance(100);
    await stopping;
    expect(events(a).filter(({ type }) => type === 'lease.lost')).toHaveLength(4);
    for (const partition of [0, 1, 2, 3]) {
      expect(story(a, partition).at(-1)).toMatch(/^lease.lost \d+ released$/);
    }
  });

  test('without answers ends when the time for them is over, and leaves nothing led', async () => {
    a.agent.attachBroker();
    const stopping = a.stop();
    await stage.clock.advance(handoffTimeoutMs - 100);
    expect(a.agent.status().state).toBe('draining');
    expect(keysOf(a)).toHaveLength(4);
    await stage.clock.advance(200);
    await stopping;
    for (const partition of [0, 1, 2, 3]) {
      expect(story(a, partition).at(-1)).toMatch(/^lease.lost \d+ handoff_timeout$/);
      expect(await stage.store.getLease(partitionKey('orders', partition))).toMatchObject({ agentId: null });
    }
  });

  test('without a broker asks nobody and ends at once', async () => {
    await a.stop();
    expect(events(a).some(({ type }) => type === 'lease.revoking')).toBe(false);
    expect(story(a, 0).at(-1)).toMatch(/^lease.lost \d+ deregistered$/);
  });
});

describe('a broker that is gone', () => {
  test('leads nothing after the grace period, and takes work again when it is back', async () => {
    const stream = a.agent.attachBroker();
    const before = a.agent.holds();
    stream[Symbol.dispose]();
    await stage.clock.advance(1_900);
    expect(a.agent.holds()).toEqual(before);
    expect(a.agent.status().state).toBe('active');
    await stage.clock.advance(200);
    expect(a.agent.holds()).toEqual([]);
    expect(a.agent.status()).toMatchObject({ state: 'broker_down', leases: 0 });
    expect(a.agent.readiness().find(({ name }) => name === 'session')?.ok).toBe(true);
    await stage.clock.advance(60_000);
    expect(a.agent.holds()).toEqual([]);
    a.agent.attachBroker();
    await advanceUntil('led again', () => a.agent.holds().length === 4);
    expect(a.agent.status().state).toBe('active');
    for (const [i, term] of a.agent.holds().entries()) {
      expect(term.epoch).toBeGreaterThan(before[i]?.epoch ?? Infinity);
    }
  });
});

describe('a broker that is gone, with another agent there', () => {
  test('leaves its partitions to the other, and gets its share when it is back', async () => {
    const stream = a.agent.attachBroker();
    await bComes();
    await a.agent.acknowledge(asked(a));
    await advanceUntil('shared', () => keysOf(b).length === 2);
    stream[Symbol.dispose]();
    await advanceUntil('all led by b', () => keysOf(b).length === 4);
    expect(keysOf(a)).toEqual([]);
    expect((await stage.store.getAgent('a'))?.state).toBe('broker_down');
    a.agent.attachBroker();
    await advanceUntil('shared again', () => keysOf(a).length === 2 && keysOf(b).length === 2);
    expect((await stage.store.getAgent('a'))?.state).toBe('active');
  });
});

describe('an operator', () => {
  test('asks for a partition back: its broker is asked, and it begins anew where the plan wants it', async () => {
    a.agent.attachBroker();
    const [one] = a.agent.holds();
    if (one === undefined) throw new Error('nothing held');
    await stage.store.requestRelease(one.key, one.epoch);
    await advanceUntil('asked', () => asked(a).length > 0);
    expect(asked(a).map(({ key }) => key)).toEqual([one.key]);
    await a.agent.acknowledge([one]);
    await advanceUntil('led again', () => keysOf(a).length === 4);
    expect(story(a, one.key.partition).at(-1)).toBe(`lease.granted ${one.epoch + 1}`);
    await stage.clock.advance(budget.ttlMs);
    expect(asked(a)).toEqual([]);
  });

  test('drains an agent: its broker is asked for everything and told who gets it', async () => {
    a.agent.attachBroker();
    b = await stage.start('b');
    await stage.store.setPlacement('a', 'draining');
    await advanceUntil('all asked for', () => asked(a).length === 4);
    for (const { key } of asked(a)) {
      expect(events(a)).toContainEqual(
        expect.objectContaining({ type: 'lease.revoking', partition: key.partition, to: 'b' }),
      );
    }
    await a.agent.acknowledge(asked(a));
    await advanceUntil('b leads all', () => keysOf(b).length === 4);
    expect(keysOf(a)).toEqual([]);
    expect(events(a).some((event) => event.type === 'lease.lost' && event.reason !== 'released')).toBe(false);
  });

  test('resigns the coordinator: another takes the role', async () => {
    b = await stage.start('b');
    await stage.clock.advance(1_000);
    expect(a.agent.status().isCoordinator).toBe(true);
    const before = (await stage.store.getLease(COORDINATOR))?.epoch ?? 0;
    await stage.store.requestRelease(COORDINATOR, before);
    await advanceUntil('b coordinates', () => b.agent.status().isCoordinator);
    expect(a.agent.status().isCoordinator).toBe(false);
    expect((await stage.store.getLease(COORDINATOR))?.epoch).toBe(before + 1);
  });
});

describe('the events of an agent', () => {
  test('add up to what it holds, at every moment, and tell when it may not act', async () => {
    a.agent.attachBroker();
    const held = new Map<string, number>();
    const check = (): void => {
      held.clear();
      for (const event of events(a)) {
        if (event.type === 'lease.granted') held.set(`${event.topic}/${event.partition}`, event.epoch);
        if (event.type === 'lease.lost') held.delete(`${event.topic}/${event.partition}`);
      }
      expect(held).toEqual(new Map(a.agent.holds().map(({ key, epoch }) => [leaseKeyText(key), epoch])));
    };
    a.agent.journal.onAppend(check);
    await bComes();
    await a.agent.acknowledge(asked(a).slice(0, 1));
    await stage.clock.advance(2 * handoffTimeoutMs);
    await stage.store.deleteTopic('orders');
    await stage.store.createTopic({ ...orders, name: 'payments' });
    await advanceUntil('payments is led', () => keysOf(a).length === 2 && keysOf(b).length === 2);
    a.faulty.always(faults.loseRequest, 'heartbeat');
    await stage.clock.advance(budget.ttlMs);
    expect(events(a).at(-1)).toMatchObject({ type: 'agent.changed', state: 'suspended' });
    expect(events(a).at(-2)).toMatchObject({ type: 'session.suspended' });
    a.faulty.heal();
    await stage.clock.advance(budget.heartbeatIntervalMs);
    expect(events(a).at(-1)).toMatchObject({ type: 'agent.changed', state: 'active' });
    expect(events(a).at(-2)).toMatchObject({ type: 'session.resumed', sessionId: a.agent.sessionId });
  });
});
