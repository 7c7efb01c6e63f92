// Cordon, drain, release and move over HTTP.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { partitionKey } from '../../src/domain/lease.ts';
import { type Fixture, registerAgent, startFixture } from './fixture.ts';

let http: Fixture;
let epoch: number;
const at = { topic: 'orders', partition: 1 };
const orders = partitionKey('orders', 1);

beforeAll(async () => {
  http = await startFixture();
  await http.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3 });
  epoch = (await http.acquire('orders', 1))[0] ?? 0;
});
afterAll(async () => http[Symbol.asyncDispose]());
beforeEach(() => http.agent.announced.splice(0));

async function held() {
  return (await http.store.heldLeases(http.agent.sessionId ?? '')).terms;
}

/** Whether the serving agent's own session has been told to end. */
async function isEndRequested(sessionId = http.agent.sessionId ?? ''): Promise<boolean> {
  const answer = await http.store.heartbeat(sessionId);
  return answer.outcome === 'renewed' && answer.endRequested;
}

test('an agent is cordoned, drained and opened again, and the group is told', async () => {
  await registerAgent(http.store, 'placed');
  const steps = [
    ['cordon', { state: 'cordoned', placement: 'cordoned' }],
    ['drain', { state: 'draining', placement: 'draining' }],
    ['uncordon', { state: 'active', placement: 'open' }],
  ] as const;
  for (const [verb, expected] of steps) {
    const { status, body } = await http.ask('POST', `/v1/agents/placed/${verb}`, {});
    expect({ status, body }).toMatchObject({ status: 200, body: { agentId: 'placed', ...expected } });
    const shown = (await http.ask('GET', '/v1/agents/placed')).body;
    expect(body).toEqual({ ...Object(shown), expiresInMs: expect.any(Number) });
    // Without a body, as curl -X POST sends it.
    expect((await http.ask('POST', `/v1/agents/placed/${verb}`)).status).toBe(200);
  }
  expect(http.agent.announced).toEqual(Array.from({ length: 6 }, () => 'membership'));
});

test('an agent that is not there cannot be drained', async () => {
  const answer = await http.ask('POST', '/v1/agents/nobody/drain');
  expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(http.agent.announced).toEqual([]);
});

test('a holder is asked to release, and leads on until it does', async () => {
  const answer = { ...at, epoch, agentId: 'agent-1', result: 'asked' };
  expect(await http.ask('POST', '/v1/leases/orders/1/release', { expectedEpoch: epoch })).toMatchObject({
    status: 200,
    body: answer,
  });
  expect((await http.ask('POST', '/v1/leases/orders/1/release')).body).toEqual(answer);
  expect(http.agent.announced).toEqual(['session', 'session']);
  expect(await held()).toMatchObject([{ key: orders, epoch, releaseRequested: true }]);
  expect(await isEndRequested()).toBe(false);
  expect((await http.ask('GET', '/v1/leases/orders/1')).body).toMatchObject({ agentId: 'agent-1', epoch });
});

test('of a lease that nobody holds nobody is asked', async () => {
  for (const body of [undefined, { force: true, expectedEpoch: 0 }]) {
    const answer = await http.ask('POST', '/v1/leases/orders/0/release', body);
    const vacant = { topic: 'orders', partition: 0, epoch: 0, agentId: null, result: 'vacant' };
    expect(answer).toMatchObject({ status: 200, body: vacant });
  }
  expect(http.agent.announced).toEqual([]);
});

test.each(['release', 'move'])('another term than the expected one is fenced from a %s', async (verb) => {
  await registerAgent(http.store, 'other');
  const before = await http.contents();
  for (const expectedEpoch of [epoch - 1, epoch + 1, 0]) {
    const answer = await http.ask('POST', `/v1/leases/orders/1/${verb}`, { expectedEpoch, force: true });
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'fenced', givenEpoch: expectedEpoch, currentEpoch: epoch },
    });
  }
  for (const path of ['orders/3', 'none/0']) {
    const answer = await http.ask('POST', `/v1/leases/${path}/${verb}`, {});
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  }
  expect(await http.contents()).toEqual(before);
  expect(await isEndRequested()).toBe(false);
  expect(http.agent.announced).toEqual([]);
});

test('a partition is moved to the agent named, or to one that is chosen', async () => {
  const named = await http.ask('POST', '/v1/leases/orders/1/move', { to: 'other', expectedEpoch: epoch });
  const asked = { ...at, epoch, agentId: 'agent-1', result: 'asked', to: 'other' };
  expect(named).toMatchObject({ status: 200, body: asked });
  expect((await http.ask('POST', '/v1/leases/orders/1/move')).body).toEqual(asked);
  expect(http.agent.announced).toEqual(['assignment', 'assignment']);
  expect(await http.store.readTargets([at])).toEqual([{ ...at, agentId: 'other' }]);
  expect(await isEndRequested()).toBe(false);

  const vacant = await http.ask('POST', '/v1/leases/orders/2/move', { to: 'other' });
  expect(vacant.body).toMatchObject({ agentId: null, result: 'vacant', to: 'other' });
});

test('a partition that is moved to where it is stays, and nobody is told to end', async () => {
  const answer = await http.ask('POST', '/v1/leases/orders/1/move', { to: 'agent-1', force: true });
  expect(answer.body).toMatchObject({ agentId: 'agent-1', result: 'in_place', to: 'agent-1' });
  expect(http.agent.announced).toEqual(['assignment']);
  expect(await isEndRequested()).toBe(false);
});

test('nothing is moved to who cannot take it', async () => {
  const cordon = await registerAgent(http.store, 'cordoned');
  await http.ask('POST', '/v1/agents/cordoned/cordon');
  for (const [to, status, code] of [
    ['cordoned', 409, 'conflict'],
    ['nobody', 404, 'not_found'],
  ] as const) {
    const answer = await http.ask('POST', '/v1/leases/orders/1/move', { to });
    expect(answer).toMatchObject({ status, body: { code } });
  }
  await http.store.endSession(cordon, 'deregistered');
});

test('with force the holder is told to end as well', async () => {
  const sessionId = await registerAgent(http.store, 'stuck');
  for (const [i, verb] of ['release', 'move'].entries()) {
    const partition = i * 2;
    const { outcomes } = await http.store.acquireLeases(sessionId, [partitionKey('orders', partition)]);
    expect(outcomes).toMatchObject([{ outcome: 'granted' }]);
    await http.ask('POST', `/v1/leases/orders/${partition}/${verb}`, { force: false });
    expect(await isEndRequested(sessionId)).toBe(verb === 'move');
    const answer = await http.ask('POST', `/v1/leases/orders/${partition}/${verb}`, { force: true });
    expect(answer.body).toMatchObject({ agentId: 'stuck', result: 'asked' });
    expect(await isEndRequested(sessionId)).toBe(true);
  }
  expect(http.agent.announced).toEqual(['session', 'session', 'assignment', 'assignment', 'session']);
});
