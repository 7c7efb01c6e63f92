// Probes, metrics, and the two pages about this agent and its cluster.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { COORDINATOR } from '../../src/domain/lease.ts';
import { type Fixture, registerAgent, rfc3339, startFixture } from './fixture.ts';

let http: Fixture;
beforeAll(async () => {
  http = await startFixture();
});
afterAll(async () => http[Symbol.asyncDispose]());
beforeEach(() => {
  http.agent.checks = [
    { name: 'session', ok: true, detail: 'renewed 10 ms ago' },
    { name: 'signals', ok: true, detail: 'connected' },
  ];
});

const self = {
  agentId: 'agent-1',
  sessionId: expect.any(String),
  group: 'g',
  zone: 'z1',
  state: 'active',
  detail: null,
  coordinator: true,
  trustedForMs: 0,
  leases: 0,
};

test('liveness asks nobody', async () => {
  http.agent.checks = [{ name: 'store', ok: false, detail: 'gone' }];
  expect(await http.ask('GET', '/livez')).toMatchObject({ status: 200, body: 'ok' });
});

test('an agent whose checks pass is ready', async () => {
  expect(await http.ask('GET', '/readyz')).toMatchObject({ status: 200, body: 'ok' });
  const text = '[+]session ok: renewed 10 ms ago\n[+]signals ok: connected\nreadyz check passed\n';
  expect(await http.ask('GET', '/readyz?verbose')).toMatchObject({ status: 200, body: text });
  const health = await http.ask('GET', '/health');
  const { checks } = http.agent;
  expect(health).toMatchObject({
    status: 200,
    body: { status: 'ok', version: '1.2.3', checks, agent: self },
  });
});

test('one failing check makes it not ready, and the sentence says why', async () => {
  http.agent.checks = [
    { name: 'session', ok: false, detail: 'waiting for agent-1 of another process' },
    { name: 'signals', ok: true, detail: 'connected' },
  ];
  expect(await http.ask('GET', '/readyz')).toMatchObject({ status: 503, body: 'not ready: session' });
  const text =
    '[-]session failed: waiting for agent-1 of another process\n[+]signals ok: connected\nreadyz check failed\n';
  expect(await http.ask('GET', '/readyz?verbose&x=1')).toMatchObject({ status: 503, body: text });
  const health = await http.ask('GET', '/health');
  expect(health).toMatchObject({ status: 503, body: { status: 'unhealthy', checks: http.agent.checks } });
});

test('metrics are in the text format that the registry names', async () => {
  http.instruments.coordinatorEpoch.set({ group: 'g' }, 3);
  const answer = await http.ask('GET', '/metrics');
  expect(answer.headers.get('content-type')).toBe(http.instruments.registry.contentType);
  expect(answer.body).toContain('streamhouse_coordinator_epoch{group="g"} 3\n');
});

test('an agent tells of itself without its store', async () => {
  const { agent } = http;
  agent.store = undefined;
  agent.state = { state: 'waiting', detail: 'another process has our name' };
  const answer = await http.ask('GET', '/v1/agent');
  agent.store = http.store;
  agent.state = { state: 'active', detail: null };
  const waiting = { ...self, state: 'waiting', detail: 'another process has our name' };
  expect(answer).toMatchObject({ status: 200, body: waiting });
});

test('the cluster is one page', async () => {
  const page = async () => (await http.ask('GET', '/v1/status')).body;
  expect(await page()).toEqual({
    group: 'g',
    version: '1.2.3',
    backend: 'postgres',
    era: { number: 1, since: rfc3339, quarantineRestMs: 0 },
    coordinator: null,
    agents: { total: 1, active: 1, cordoned: 0, broker_down: 0, draining: 0, expired: 0, dead: 0 },
    topics: 0,
    partitions: { total: 0, led: 0, unled: 0 },
    agent: self,
  });

  const { sessionId } = http.agent;
  if (sessionId === null) throw new Error('the agent has no session');
  await http.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3 });
  await http.ask('POST', '/v1/topics', { name: 'bills', partitionCount: 4 });
  await http.acquire('orders', 0, 2);
  await http.store.acquireLeases(sessionId, [COORDINATOR]);
  await http.store.endSession(await registerAgent(http.store, 'gone'), 'deregistered');
  await registerAgent(http.store, 'drained');
  await http.store.setPlacement('drained', 'draining');
  expect(await page()).toMatchObject({
    coordinator: { agentId: 'agent-1', epoch: 2 ** 32, since: rfc3339 },
    agents: { total: 3, active: 1, draining: 1, expired: 0, dead: 1 },
    topics: 2,
    partitions: { total: 7, led: 2, unled: 5 },
  });
});
