// The plan, the pause and the explanation over HTTP. The fixture's agent is no coordinator: nothing here is carried out by itself.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { COORDINATOR } from '../../src/domain/lease.ts';
import type { Move } from '../../src/domain/planner.ts';
import { type Fixture, registerAgent, rfc3339, startFixture } from './fixture.ts';

let http: Fixture;

beforeAll(async () => {
  http = await startFixture();
  await http.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 4 });
  await registerAgent(http.store, 'broker-2');
});
afterAll(async () => http[Symbol.asyncDispose]());
beforeEach(() => http.agent.announced.splice(0));

/** As the coordinator would. */
async function assign(moves: readonly Move[]): Promise<void> {
  const sessionId = http.agent.sessionId ?? '';
  const { outcomes } = await http.store.acquireLeases(sessionId, [COORDINATOR]);
  const [term] = outcomes;
  if (term?.outcome !== 'granted' && term?.outcome !== 'already_held') throw new Error('not coordinator');
  const answer = await http.store.writeAssignment({ sessionId, epoch: term.epoch }, moves);
  expect(answer.outcome).toBe('written');
}

const move = (partition: number, from: string | null, to: string | null, reason: Move['reason']): Move => ({
  topic: 'orders',
  partition,
  from,
  to,
  reason,
});

describe('before anything is assigned', () => {
  test('the plan says who should get what, and changes nothing', async () => {
    const plan = await http.ask('GET', '/v1/plan');
    expect(plan).toMatchObject({ status: 200, body: { totalMoves: 4, unassignable: 0 } });
    expect(plan.body).toMatchObject({
      agents: [
        { agentId: 'agent-1', state: 'active', share: 2, assigned: 0, planned: 2, settlesInMs: 0 },
        { agentId: 'broker-2', state: 'active', share: 2, assigned: 0, planned: 2, settlesInMs: 0 },
      ],
    });
    expect((await http.ask('GET', '/v1/plan')).body).toEqual(plan.body);
    expect(http.agent.announced).toEqual([]);
  });

  test('the plan is read in pages', async () => {
    const seen: unknown[] = [];
    for (let cursor = ''; ;) {
      const { body } = await http.ask('GET', `/v1/plan?limit=3${cursor}`);
      const { moves, nextCursor } = Object(body);
      seen.push(...moves);
      if (nextCursor === undefined) break;
      cursor = `&cursor=${nextCursor}`;
    }
    expect(seen).toEqual(Object((await http.ask('GET', '/v1/plan')).body).moves);
    expect(seen).toHaveLength(4);
  });

  test('a cursor that no plan gave is refused', async () => {
    expect(await http.ask('GET', '/v1/plan?cursor=orders')).toMatchObject({
      status: 400,
      body: { code: 'invalid' },
    });
  });

  test('an explanation names what is missing', async () => {
    const { status, body } = await http.ask('GET', '/v1/explain/orders/0');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { leader: null, epoch: 0, assignedTo: null, reason: null, plan: { reason: 'new_partition' } },
    });
  });

  test('a partition that is not there is not explained', async () => {
    for (const path of ['orders/4', 'none/0']) {
      expect(await http.ask('GET', `/v1/explain/${path}`)).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    }
  });
});

describe('while partitions move', () => {
  test('the state of the rebalance counts and lists them', async () => {
    const [epoch] = await http.acquire('orders', 0);
    await assign([
      move(0, null, 'broker-2', 'balance'),
      ...[1, 2, 3].map((partition) => move(partition, null, 'agent-1', 'new_partition')),
    ]);
    const { body } = await http.ask('GET', '/v1/rebalance');
    expect(body).toMatchObject({
      coordinator: { agentId: 'agent-1' },
      paused: false,
      pausedSince: null,
      applyRequestedAt: null,
      partitions: { total: 4, led: 1, moving: 4, unassigned: 0, pinned: 0 },
      wanted: 1,
    });
    expect(Object(body).moving[0]).toEqual({
      topic: 'orders',
      partition: 0,
      from: 'agent-1',
      to: 'broker-2',
    });
    const explained = (await http.ask('GET', '/v1/explain/orders/0')).body;
    expect(explained).toMatchObject({
      leader: 'agent-1',
      epoch,
      assignedTo: 'broker-2',
      reason: 'balance',
      assignedAt: rfc3339,
      waitsFor: ['agent-1 and its broker to hand it over', 'broker-2 to acquire it'],
    });
  });
});

test('a pause is kept in the store, said twice it keeps its first moment, and is lifted', async () => {
  const paused = (await http.ask('POST', '/v1/pause')).body;
  expect(paused).toEqual({ paused: true, since: rfc3339 });
  expect((await http.ask('POST', '/v1/pause', {})).body).toEqual(paused);
  expect((await http.ask('GET', '/v1/rebalance')).body).toMatchObject({
    paused: true,
    pausedSince: Object(paused).since,
    wanted: 0,
  });
  // What an operator would get by asking all the same.
  expect((await http.ask('GET', '/v1/plan')).body).toMatchObject({ totalMoves: 1 });
  expect((await http.ask('POST', '/v1/resume')).body).toEqual({ paused: false, since: null });
  expect((await http.ask('GET', '/v1/rebalance')).body).toMatchObject({ paused: false, wanted: 1 });
  expect(http.agent.announced).toEqual(['membership', 'membership', 'membership']);
});

test('asking to apply tells the coordinator, and shows until it has', async () => {
  const before = await http.store.assignmentGeneration();
  const { status, body } = await http.ask('POST', '/v1/plan/apply');
  expect({ status, body }).toEqual({ status: 200, body: { generation: before + 1, requestedAt: rfc3339 } });
  expect(http.agent.announced).toEqual(['membership']);
  const { requestedAt } = Object(body);
  expect((await http.ask('GET', '/v1/rebalance')).body).toMatchObject({ applyRequestedAt: requestedAt });
});
