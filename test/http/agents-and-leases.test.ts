// Agents, leases and elections over HTTP.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { partitionKey, roleKey } from '../../src/domain/lease.ts';
import { type Fixture, nextCursorOf, registerAgent, rfc3339, startFixture } from './fixture.ts';

let http: Fixture;
let epoch: number;
beforeAll(async () => {
  http = await startFixture();
  await http.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3 });
  await http.ask('POST', '/v1/topics', { name: 'bills', partitionCount: 1 });
  epoch = (await http.acquire('orders', 1))[0] ?? 0;
});
afterAll(async () => http[Symbol.asyncDispose]());
beforeEach(() => http.agent.announced.splice(0));

function led(topic: string, partition: number) {
  const acquired = { agentId: 'agent-1', address: 'agent-1:9092', epoch, acquiredAt: rfc3339 };
  return { topic, partition, ...acquired, expiresInMs: expect.any(Number) };
}

function vacant(topic: string, partition: number) {
  return { topic, partition, agentId: null, address: null, epoch: 0, acquiredAt: null, expiresInMs: null };
}

test('agents are listed and found with what they said of themselves', async () => {
  const agent = {
    agentId: 'agent-1',
    address: 'agent-1:9092',
    zone: 'z1',
    group: 'g',
    state: 'active',
    placement: 'open',
    weight: 2,
    managedTopics: ['orders*'],
    sessionId: http.agent.sessionId,
    lastHeartbeatAt: rfc3339,
    expiresInMs: expect.any(Number),
    leases: 1,
    metadata: { rack: 'r1' },
  };
  expect((await http.ask('GET', '/v1/agents')).body).toEqual({ agents: [agent] });
  expect((await http.ask('GET', '/v1/agents/agent-1')).body).toEqual(agent);
  expect(await http.ask('GET', '/v1/agents/nobody')).toMatchObject({
    status: 404,
    body: { code: 'not_found' },
  });
});

test('a live agent is not removed but asked, and only with force; a dead one is removed', async () => {
  const sessionId = await registerAgent(http.store, 'agent-2');
  const refused = await http.ask('DELETE', '/v1/agents/agent-2');
  expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } });
  expect(await http.ask('DELETE', '/v1/agents/agent-2?force=false')).toMatchObject({ status: 409 });
  expect(http.agent.announced).toEqual([]);
  expect(await http.store.heartbeat(sessionId)).toMatchObject({ endRequested: false });

  const asked = await http.ask('DELETE', '/v1/agents/agent-2?force=true');
  expect(asked).toMatchObject({ status: 200, body: { agentId: 'agent-2', result: 'asked' } });
  expect(http.agent.announced).toEqual(['session']);
  expect(await http.store.heartbeat(sessionId)).toMatchObject({ endRequested: true });

  await http.store.endSession(sessionId, 'removed');
  expect((await http.ask('GET', '/v1/agents/agent-2')).body).toMatchObject({
    state: 'dead',
    expiresInMs: null,
  });
  const removed = await http.ask('DELETE', '/v1/agents/agent-2');
  expect(removed).toMatchObject({ status: 200, body: { agentId: 'agent-2', result: 'removed' } });
  expect(http.agent.announced).toEqual(['session', 'membership']);
  expect(await http.ask('DELETE', '/v1/agents/agent-2')).toMatchObject({ status: 404 });
});

test.each([
  ['', [vacant('bills', 0), vacant('orders', 0), led('orders', 1), vacant('orders', 2)]],
  ['?topic=orders', [vacant('orders', 0), led('orders', 1), vacant('orders', 2)]],
  ['?agent=agent-1', [led('orders', 1)]],
  ['?unleased=true', [vacant('bills', 0), vacant('orders', 0), vacant('orders', 2)]],
  ['?unleased=true&topic=orders', [vacant('orders', 0), vacant('orders', 2)]],
  ['?unleased=false&topic=bills', [vacant('bills', 0)]],
  ['?topic=none', []],
  ['?agent=nobody', []],
])('leases are filtered by %s', async (query, leases) => {
  const expected = leases.map((lease) => (lease.agentId === null ? lease : { ...lease, epoch }));
  expect((await http.ask('GET', `/v1/leases${query}`)).body).toEqual({ leases: expected });
});

test('leases are listed page by page', async () => {
  const first = await http.ask('GET', '/v1/leases?limit=3');
  const rest = await http.ask('GET', `/v1/leases?limit=3&cursor=${nextCursorOf(first)}`);
  expect(rest.body).toEqual({ leases: [vacant('orders', 2)] });
});

test('a lease is how a client finds the leader of a partition', async () => {
  expect((await http.ask('GET', '/v1/leases/orders/1')).body).toEqual(led('orders', 1));
  expect((await http.ask('GET', '/v1/leases/orders/0')).body).toEqual(vacant('orders', 0));
  for (const path of ['orders/3', 'orders/2147483647', 'none/0', 'none/0/history', 'orders/3/history']) {
    const answer = await http.ask('GET', `/v1/leases/${path}`);
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  }
});

test('the history of a lease tells its terms, the newest first, and outlives its topic', async () => {
  await http.ask('POST', '/v1/topics', { name: 'told', partitionCount: 2 });
  const [first] = await http.acquire('told', 0);
  const { sessionId } = http.agent;
  if (sessionId === null || first === undefined) throw new Error('the agent led nothing');
  await http.store.releaseLeases(sessionId, [{ key: partitionKey('told', 0), epoch: first }], 'released');
  const [second] = await http.acquire('told', 0);
  const now = { epoch: second, agentId: 'agent-1', from: rfc3339, to: null, reason: null };
  const before = { epoch: first, agentId: 'agent-1', from: rfc3339, to: rfc3339, reason: 'released' };
  const path = '/v1/leases/told/0/history';
  expect((await http.ask('GET', path)).body).toEqual({ topic: 'told', partition: 0, history: [now, before] });
  expect((await http.ask('GET', `${path}?limit=1`)).body).toMatchObject({ history: [now] });
  expect((await http.ask('GET', '/v1/leases/told/1/history')).body).toMatchObject({ history: [] });
  await http.ask('DELETE', '/v1/topics/told');
  const ended = { ...now, to: rfc3339, reason: 'topic_deleted' };
  expect((await http.ask('GET', path)).body).toMatchObject({ history: [ended, before] });
});

test('elections are read: who leads, since when, under which epoch', async () => {
  const { sessionId } = http.agent;
  if (sessionId === null) throw new Error('the agent has no session');
  const { outcomes } = await http.store.acquireLeases(sessionId, [roleKey('compactor'), roleKey('janitor')]);
  const [compactor, janitor] = outcomes.map((each) => (each.outcome === 'granted' ? each.epoch : 0));
  await http.store.releaseLeases(sessionId, [{ key: roleKey('janitor'), epoch: janitor ?? 0 }], 'released');
  const won = { name: 'compactor', agentId: 'agent-1', epoch: compactor, since: rfc3339 };
  const resigned = { name: 'janitor', agentId: null, epoch: janitor, since: null };
  expect((await http.ask('GET', '/v1/elections')).body).toEqual({ elections: [won, resigned] });
  expect((await http.ask('GET', '/v1/elections/compactor')).body).toEqual(won);
  expect((await http.ask('GET', '/v1/elections/janitor')).body).toEqual(resigned);
  expect(await http.ask('GET', '/v1/elections/never')).toMatchObject({ status: 404 });
  const page = await http.ask('GET', '/v1/elections?limit=1');
  const rest = await http.ask('GET', `/v1/elections?cursor=${nextCursorOf(page)}`);
  expect(rest.body).toEqual({ elections: [resigned] });
});

test('what this agent holds comes from the agent, with trust rounded down', async () => {
  http.agent.heldNow = { trustedForMs: 1234.9, terms: [{ key: partitionKey('orders', 1), epoch }] };
  const held = { trustedForMs: 1234, leases: [{ topic: 'orders', partition: 1, epoch }] };
  expect((await http.ask('GET', '/v1/held')).body).toEqual(held);
  http.agent.heldNow = { trustedForMs: 0, terms: [] };
  expect((await http.ask('GET', '/v1/held')).body).toEqual({ trustedForMs: 0, leases: [] });
});
