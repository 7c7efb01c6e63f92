// The store goes away, comes back, or is not there yet: nothing moves because of it, and no agent ends.
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { type PostgresServer, startPostgresServer } from '../support/postgres-server.ts';
import { AgentProcess, segment, untilHeld, untilLedBy } from './cluster.ts';

const ttlMs = 2_000;

describe('a PostgreSQL that goes away', () => {
  let server: PostgresServer;
  let agents: AgentProcess[] = [];

  afterEach(async () => {
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
    agents = [];
    await server[Symbol.asyncDispose]();
  });

  function join(agentId: string): AgentProcess {
    const agent = new AgentProcess(agentId, { DATABASE_URL: server.url, SESSION_TTL_MS: String(ttlMs) });
    agents.push(agent);
    return agent;
  }

  test('killed for twice the TTL and started again: same holders, same epochs, no process ended', async () => {
    server = await startPostgresServer({ major: 16 });
    const [a, b, c] = [join('a'), join('b'), join('c')] as const;
    await Promise.all(agents.map((agent) => agent.active()));
    await a.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 12 });
    await untilHeld(agents, [4, 4, 4]);
    const before = await a.leases();
    const sessions = await Promise.all(agents.map(async (agent) => (await agent.self()).sessionId));

    await server.kill9();
    const killedAtMs = Date.now();
    // Trust ends before the TTL does; from then on nobody claims anything.
    await untilHeld(agents, [0, 0, 0]);
    for (const agent of agents) {
      expect((await agent.self()).state).toBe('suspended');
      expect((await agent.ask('GET', '/livez')).status).toBe(200);
      expect((await agent.ask('GET', '/readyz')).status).toBe(503);
    }
    const write = await a.ask('POST', '/v1/topics/orders/partitions/0/segments', {
      epoch: 1,
      ...segment('s', 0, 9),
    });
    expect(write).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    await eventually(() => Date.now() - killedAtMs > 2 * ttlMs);
    await server.start();

    await untilHeld(agents, [4, 4, 4]);
    const after = await untilLedBy([a, b, c], 12);
    for (const [name, { agentId, epoch }] of before)
      expect(after.get(name)).toMatchObject({ agentId, epoch });
    expect(await Promise.all(agents.map(async (agent) => (await agent.self()).sessionId))).toEqual(sessions);
  });

  test('one that is not there yet is waited for, and said so', async () => {
    const port = await freePort();
    const agent = new AgentProcess('a', { DATABASE_URL: `postgres://postgres@127.0.0.1:${port}/postgres` });
    agents.push(agent);
    await agent.program.waitForLog(({ msg }) => msg === 'waiting for the store');
    const health = await agent.ask('GET', '/health');
    expect(health).toMatchObject({ status: 503, body: { status: 'unhealthy' } });
    expect(await agent.ask('GET', '/v1/topics')).toMatchObject({
      status: 503,
      body: { code: 'unavailable' },
    });
    server = await startPostgresServer({ major: 16, port });
    await agent.active();
  });
});
