// Two processes with one AGENT_ID: a restarted one takes over from its own dead session; a second living one gives way.
import { afterEach, describe, expect, inject, test } from 'vitest';
import { AgentProcess, type SharedStore, storesToShare, untilHeld } from './cluster.ts';

describe.each(storesToShare(inject('postgresTargets')))('the same AGENT_ID on %s', (_name, makeStore) => {
  let store: SharedStore;
  let agents: AgentProcess[] = [];

  afterEach(async () => {
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
    agents = [];
    await store[Symbol.asyncDispose]();
  });

  function start(agentId: string): AgentProcess {
    const agent = new AgentProcess(agentId, store.env);
    agents.push(agent);
    return agent;
  }

  test('restarted right after kill -9 it waits for its dead session, takes over from it, and leads', async () => {
    store = makeStore();
    const first = start('a');
    await first.active();
    await first.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3 });
    await untilHeld([first], [3]);
    const before = await first.leases();
    first.kill('SIGKILL');
    await first.program.exited;
    const second = start('a');
    await second.program.waitForLog(({ msg }) => msg === 'waiting: another live session has our name');
    expect((await second.ask('GET', '/readyz')).status).toBe(503);
    await untilHeld([second], [3]);
    for (const [name, { epoch }] of await second.leases()) {
      expect(epoch).toBeGreaterThan(before.get(name)?.epoch ?? Number.POSITIVE_INFINITY);
    }
  });

  test('started while the first lives it exits 78 naming both, and the first is undisturbed', async () => {
    store = makeStore();
    const first = start('a');
    await first.active();
    await first.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3 });
    await untilHeld([first], [3]);
    const session = (await first.self()).sessionId;
    const before = await first.leases();
    const second = start('a');
    expect(await second.program.exited).toMatchObject({ code: 78 });
    const said = second.program.stderrLines.join('\n');
    expect(said).toContain(`pid ${first.program.pid}`);
    expect(said).toContain(`pid ${second.program.pid}`);
    expect(said).not.toContain('    at ');
    expect((await first.self()).sessionId).toBe(session);
    for (const [name, { agentId, epoch }] of before) {
      expect((await first.leases()).get(name)).toMatchObject({ agentId, epoch });
    }
  });
});
