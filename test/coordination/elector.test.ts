// One coordinator, found by all, replaced at once when it goes, and harmless when it does not know that it was replaced.
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { Elector } from '../../src/coordination/elector.ts';
import { Holdings } from '../../src/coordination/holdings.ts';
import { COORDINATOR, type Term } from '../../src/domain/lease.ts';
import type { Move } from '../../src/domain/planner.ts';
import { faults } from './faulty-store.ts';
import { type Actor, budget, pollMs, Stage, type StagedAgent, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);

const orders = { name: 'orders', partitionCount: 4, retentionMs: null, config: {} };

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open(url, schema);
});

afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

async function storedTerm(): Promise<{ agentId: string | null | undefined; epoch: number | undefined }> {
  const lease = await stage.store.getLease(COORDINATOR);
  return { agentId: lease?.agentId, epoch: lease?.epoch };
}

function coordinators(agents: readonly StagedAgent[]): string[] {
  return agents
    .filter(({ agent }) => agent.status().isCoordinator)
    .map(({ agent }) => agent.status().agentId);
}

/** What follows from a heartbeat's reply. */
async function heartbeat(actor: Actor, sessionId: string, holdings: Holdings, elector: Elector) {
  const answer = await actor.deps.store.heartbeat(sessionId);
  if (answer.outcome !== 'renewed') throw new Error(answer.reason);
  await holdings.catchUp(answer.holdingsVersion);
  elector.checkTerm();
}

interface Candidate extends Actor {
  readonly sessionId: string;
  readonly holdings: Holdings;
  readonly elector: Elector;
  readonly led: Term[];
  readonly leading: () => boolean;
  run(): Promise<void>;
  end(): Promise<void>;
}

/** A session with an elector and no other loop; heartbeats are the test's. */
async function candidate(agentId: string): Promise<Candidate> {
  const actor = await stage.actor();
  const { sessionId } = await stage.register(actor, agentId);
  const holdings = new Holdings(actor.deps, sessionId);
  const elector = new Elector(actor.deps, holdings, { role: COORDINATOR, tickMs: budget.ttlMs });
  await heartbeat(actor, sessionId, holdings, elector);
  const stop = new AbortController();
  const led: Term[] = [];
  let leading = false;
  let running: Promise<void> | undefined;
  const lead = async (term: Term, signal: AbortSignal): Promise<void> => {
    led.push(term);
    leading = true;
    await stage.clock.sleep(Number.MAX_SAFE_INTEGER, signal);
    leading = false;
  };
  return {
    ...actor,
    sessionId,
    holdings,
    elector,
    led,
    leading: () => leading,
    async run() {
      running ??= elector.run(lead, stop.signal);
      await stage.clock.rest();
    },
    async end() {
      stop.abort();
      await running;
    },
  };
}

describe('among five agents', () => {
  test('one coordinates, at any moment and in the end, and it is the one that the store names', async () => {
    const agents = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((agentId) => stage.start(agentId)));
    for (let look = 0; look < 60; look += 1) {
      await stage.clock.advance(pollMs / 2);
      expect(coordinators(agents).length).toBeLessThanOrEqual(1);
    }
    expect(coordinators(agents)).toEqual([(await storedTerm()).agentId]);
  });

  test('the role of one that stops gracefully is taken long before a TTL, under a higher epoch', async () => {
    const agents = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((agentId) => stage.start(agentId)));
    await stage.clock.advance(2 * pollMs);
    const before = await storedTerm();
    const leader = agents.find(({ agent }) => agent.status().isCoordinator);
    await leader?.stop();
    expect(await storedTerm()).toEqual({ agentId: null, epoch: before.epoch });
    // No signal reaches anybody here: a deputy sees it at its next look.
    await stage.clock.advance(pollMs);
    const after = await storedTerm();
    expect(after.agentId).not.toBe(before.agentId);
    expect(coordinators(agents)).toEqual([after.agentId]);
    expect(after.epoch).toBeGreaterThan(before.epoch ?? Infinity);
  });
});

function never(): never {
  throw new Error('the role is not held');
}

describe('a candidate', () => {
  test('leads in the term it was granted, until what it holds says otherwise', async () => {
    const a = await candidate('a');
    await a.run();
    expect(a.elector.term?.epoch).toBe((await storedTerm()).epoch);
    expect(a.leading()).toBe(true);
    await a.holdings.release([a.elector.term ?? never()], 'released');
    a.elector.checkTerm();
    await stage.clock.rest();
    // Others have a TTL's time to do better; since nobody does, it campaigns again: another term, not the same one.
    expect(a.led).toHaveLength(1);
    await stage.clock.advance(budget.ttlMs);
    expect(a.led).toHaveLength(2);
    expect(a.elector.term?.epoch).toBe((await storedTerm()).epoch);
    await a.end();
    expect(a.leading()).toBe(false);
    expect(a.elector.term).toBeUndefined();
  });

  test('whose campaign was won and not answered finds out by its next heartbeat that it leads', async () => {
    const a = await candidate('a');
    a.faulty.next('acquireLeases', faults.loseReply);
    await a.run();
    await stage.clock.advance(1_000);
    expect((await storedTerm()).agentId).toBe('a');
    expect(a.elector.term).toBeUndefined();
    await heartbeat(a, a.sessionId, a.holdings, a.elector);
    await stage.clock.rest();
    expect(a.elector.term?.epoch).toBe((await storedTerm()).epoch);
    expect(a.faulty.count('acquireLeases')).toBe(1);
    await a.end();
  });

  test('whose campaign was lost on its way campaigns again soon', async () => {
    const a = await candidate('a');
    a.faulty.next('acquireLeases', faults.loseRequest);
    a.faulty.next('roleHolder', faults.refuse);
    await a.run();
    expect(a.elector.term).toBeUndefined();
    await stage.clock.advance(200);
    expect(a.elector.term?.epoch).toBe((await storedTerm()).epoch);
    await a.end();
  });

  test('that follows reads once a TTL, writes nothing, and takes the role when it is told to look', async () => {
    const [a, b] = [await candidate('a'), await candidate('b')];
    await a.run();
    await b.run();
    await stage.clock.advance(3 * budget.ttlMs);
    expect(b.faulty.count('roleHolder')).toBe(4);
    expect(b.faulty.count('acquireLeases')).toBe(0);
    await a.end();
    await a.holdings.release([a.holdings.get(COORDINATOR) ?? never()], 'released');
    b.elector.look();
    await stage.clock.rest();
    expect(b.elector.term?.epoch).toBe((await storedTerm()).epoch);
    expect((await storedTerm()).agentId).toBe('b');
    await b.end();
  });
});

describe('a coordinator that is asked to resign', () => {
  test('gives the role up and lets another have it', async () => {
    const [a, b] = [await candidate('a'), await candidate('b')];
    await a.run();
    await b.run();
    a.elector.resign(1_000);
    await stage.clock.rest();
    expect(await storedTerm()).toMatchObject({ agentId: null });
    expect(a.leading()).toBe(false);
    b.elector.look();
    await stage.clock.advance(1_000);
    expect(await storedTerm()).toMatchObject({ agentId: 'b' });
    await Promise.all([a.end(), b.end()]);
  });

  test('campaigns again when nobody else wants it, but not at once and not under the same epoch', async () => {
    const a = await candidate('a');
    await a.run();
    a.elector.resign(1_000);
    a.elector.look();
    await stage.clock.advance(999);
    expect(await storedTerm()).toMatchObject({ agentId: null });
    await stage.clock.advance(1);
    expect(a.led).toHaveLength(2);
    expect(a.led[1]?.epoch).toBeGreaterThan(a.led[0]?.epoch ?? Infinity);
    await a.end();
  });

  test('does nothing when it does not lead', async () => {
    const [a, b] = [await candidate('a'), await candidate('b')];
    await a.run();
    await b.run();
    b.elector.resign(60_000);
    await a.end();
    await a.holdings.release([a.holdings.get(COORDINATOR) ?? never()], 'released');
    b.elector.look();
    await stage.clock.rest();
    expect(await storedTerm()).toMatchObject({ agentId: 'b' });
    await b.end();
  });

  test('whose resignation the store does not take at once tries again', async () => {
    const a = await candidate('a');
    await a.run();
    a.faulty.next('releaseLeases', faults.loseRequest, 2);
    a.elector.resign(60_000);
    await stage.clock.rest();
    expect(await storedTerm()).toMatchObject({ agentId: 'a' });
    expect(a.elector.term).toBeUndefined();
    await stage.clock.advance(2_000);
    expect(await storedTerm()).toMatchObject({ agentId: null });
    await a.end();
  });
});

describe('a coordinator that lost its term', () => {
  test('cannot write an assignment: not under its old term, not under the new epoch', async () => {
    await stage.store.createTopic(orders);
    const [a, b] = [await candidate('a'), await candidate('b')];
    await a.run();
    const old = a.elector.term;
    await stage.expire(a.sessionId);
    const seen = (await stage.store.observeSessions()).sessions.find(({ agentId }) => agentId === 'a');
    expect(await stage.store.reapSession(a.sessionId, seen?.beat ?? -1)).toBe('reaped');
    await b.run();
    const now = b.elector.term;
    expect(now?.epoch).toBeGreaterThan(old?.epoch ?? Infinity);
    const generation = await stage.store.assignmentGeneration();
    const move: Move = { topic: 'orders', partition: 0, from: null, to: 'a', reason: 'new_partition' };
    for (const epoch of [old?.epoch ?? 0, now?.epoch ?? 0]) {
      const fence = { sessionId: a.sessionId, epoch };
      expect(await stage.store.writeAssignment(fence, [move])).toEqual({ outcome: 'fenced' });
    }
    expect(await stage.store.assignmentGeneration()).toBe(generation);
    expect((await stage.store.readAssignment('a')).partitions).toEqual([]);
    await Promise.all([a.end(), b.end()]);
  });

  test('in the middle of planning is fenced, and the plan of its successor stands', async () => {
    const a = await stage.join('a');
    await stage.store.createTopic(orders);
    const write = a.faulty.hold('writeAssignment');
    await stage.clock.advance(budget.heartbeatIntervalMs + pollMs);
    await write.arrived;
    // From here on nothing of the first gets through, until it has been replaced.
    a.faulty.always(faults.loseRequest, 'heartbeat');
    const b = await stage.start('b');
    await stage.clock.advance(pollMs);
    await stage.expire(a.agent.sessionId ?? '');
    await stage.clock.advance(budget.ttlMs + 2 * budget.heartbeatIntervalMs);
    expect((await storedTerm()).agentId).toBe('b');
    const { generation, partitions } = await stage.store.readAssignment('b');
    expect(partitions).toHaveLength(4);
    write.letGo();
    await stage.clock.rest();
    expect(await stage.store.assignmentGeneration()).toBe(generation);
    expect((await stage.store.readAssignment('b')).partitions).toEqual(partitions);
    expect(a.agent.status().isCoordinator).toBe(false);
    expect(b.agent.held().terms).toHaveLength(4);
  });
});
