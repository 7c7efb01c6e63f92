// Elections as whole agents hold them: their loops tell the candidacies of sessions, heartbeats and signals.
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { COORDINATOR, roleKey } from '../../src/domain/lease.ts';
import { faults } from './faulty-store.ts';
import { budget, pollMs, Stage, type StagedAgent, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);

let stage: Stage;
let joined: StagedAgent[];

beforeEach(async () => {
  stage = await Stage.open(url, schema);
  joined = [];
});

afterEach(async () => {
  // On a clock that stands still, no agent would wait for its leaders in vain.
  for (const { agent } of joined) agent.elections.close();
  await stage[Symbol.asyncDispose]();
});

const on = { by: 'renewal', holdMs: 300_000 } as const;

async function join(agentId: string): Promise<StagedAgent> {
  const agent = await stage.join(agentId);
  joined.push(agent);
  return agent;
}

async function campaign({ agent }: StagedAgent, candidate: string) {
  await agent.elections.campaign('x', candidate, on, { waitMs: 0 });
  await stage.clock.rest();
  return agent.elections.campaign('x', candidate, on, { waitMs: 0 });
}

function told({ agent }: StagedAgent): string[] {
  return (agent.journal.after(0, 1_000) ?? []).flatMap(({ event }) => {
    if (event.type === 'election.won') return [`won by ${event.candidate}`];
    return event.type === 'election.lost' ? [`lost by ${event.candidate}, ${event.reason}`] : [];
  });
}

async function holder(): Promise<string | null | undefined> {
  return (await stage.store.getLease(roleKey('x')))?.agentId;
}

test('a candidate wins, and keeps its term over heartbeats', async () => {
  const a = await join('a');
  const { epoch } = await campaign(a, 'one');
  await stage.clock.advance(4 * budget.heartbeatIntervalMs);
  expect(await campaign(a, 'one')).toMatchObject({ state: 'leading', epoch });
  expect(told(a)).toEqual(['won by one']);
});

test('one that campaigned before its agent had a session wins when there is one', async () => {
  const a = await stage.start('a');
  joined.push(a);
  const early = a.agent.elections.campaign('x', 'one', on, { waitMs: 30_000 });
  await stage.clock.advance(pollMs);
  expect(await early).toMatchObject({ state: 'leading' });
});

test('a signal makes an agent look for a vacancy', async () => {
  const [a, b] = [await join('a'), await join('b')];
  await campaign(a, 'one');
  await campaign(b, 'two');
  for (const kind of ['leases', 'membership'] as const) {
    const [from, to, leaver, next] =
      (await holder()) === 'a' ? ([a, b, 'one', 'b'] as const) : ([b, a, 'two', 'a'] as const);
    await from.agent.elections.resign('x', leaver);
    expect(await holder()).toBeNull();
    to.deps.signals.publish(kind);
    await stage.clock.rest();
    expect(await holder()).toBe(next);
    await campaign(from, leaver);
  }
});

test('a session that is lost takes the term with it; the candidate wins again under the next', async () => {
  const a = await join('a');
  const { epoch } = await campaign(a, 'one');
  await stage.store.endSession(a.agent.sessionId ?? '', 'removed');
  await stage.clock.advance(2 * budget.heartbeatIntervalMs);
  expect(told(a)).toEqual(['won by one', 'lost by one, session_lost', 'won by one']);
  const now = await campaign(a, 'one');
  expect(now).toMatchObject({ state: 'leading' });
  expect(now.epoch).toBeGreaterThan(epoch ?? Infinity);
});

test('a heartbeat finds the role that an acquire without an answer has taken', async () => {
  const a = await join('a');
  a.faulty.next('acquireLeases', faults.loseReply);
  expect(await campaign(a, 'one')).toMatchObject({ state: 'waiting' });
  await stage.clock.advance(budget.heartbeatIntervalMs);
  expect(await campaign(a, 'one')).toMatchObject({ state: 'leading' });
});

test('an agent that stops keeps its session until its leader has said that it stopped', async () => {
  const [a, b] = [await join('a'), await join('b')];
  await campaign(a, 'one');
  await campaign(b, 'two');
  const stopped = a.stop();
  await stage.clock.advance(1_000);
  expect(told(a)).toEqual(['won by one', 'lost by one, session_lost']);
  expect(await holder()).toBe('a');
  await a.agent.elections.resign('x', 'one');
  await stage.clock.rest();
  await stopped;
  expect(await holder()).toBeNull();
  await stage.clock.advance(budget.heartbeatIntervalMs);
  expect(await holder()).toBe('b');
  await expect(a.agent.elections.campaign('x', 'one', on, { waitMs: 0 })).rejects.toThrow(/stopping/);
});

test('an operator gets the role of the coordinator from the agent that has it, and another wins it', async () => {
  const [a, b] = [await join('a'), await join('b')];
  const epoch = (await stage.store.getLease(COORDINATOR))?.epoch ?? 0;
  expect(b.agent.elections.requestResign('coordinator', null)).toBeUndefined();
  expect(a.agent.elections.requestResign('coordinator', epoch)).toBe(epoch);
  await stage.clock.rest();
  // No signal of its own reaches anybody here.
  b.deps.signals.publish('membership');
  await stage.clock.advance(pollMs);
  const now = await stage.store.getLease(COORDINATOR);
  expect(now?.agentId).toBe('b');
  expect(now?.epoch).toBeGreaterThan(epoch);
  expect([a.agent.status().isCoordinator, b.agent.status().isCoordinator]).toEqual([false, true]);
});
