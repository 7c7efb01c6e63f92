// Three agent processes share one store and take over from each other: graceful stop, kill -9, a frozen process.
import { afterEach, describe, expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  AgentProcess,
  type Lease,
  segment,
  type SharedStore,
  storesToShare,
  untilHeld,
  untilLedBy,
} from './cluster.ts';

describe.each(storesToShare(inject('postgresTargets')))('three processes on one %s', (backend, makeStore) => {
  let store: SharedStore;
  let agents: AgentProcess[] = [];

  afterEach(async () => {
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
    agents = [];
    await store[Symbol.asyncDispose]();
  });

  /** Starts a, b and c with a topic of twelve partitions, four each. */
  async function start(): Promise<readonly [AgentProcess, AgentProcess, AgentProcess]> {
    store = makeStore();
    const three = [
      new AgentProcess('a', store.env),
      new AgentProcess('b', store.env),
      new AgentProcess('c', store.env),
    ] as const;
    agents = [...three];
    await Promise.all(agents.map((agent) => agent.active()));
    const created = await three[0].ask('POST', '/v1/topics', { name: 'orders', partitionCount: 12 });
    expect(created.status).toBe(201);
    await untilHeld(agents, [4, 4, 4]);
    return three;
  }

  function expectTakenOver(
    before: ReadonlyMap<string, Lease>,
    after: ReadonlyMap<string, Lease>,
    from: AgentProcess,
  ): void {
    expect(after.size).toBe(12);
    for (const [name, lease] of before) {
      const now = after.get(name);
      if (lease.agentId === from.agentId) {
        expect(now?.agentId).not.toBe(from.agentId);
        expect(now?.epoch).toBeGreaterThan(lease.epoch);
      } else {
        expect({ agentId: now?.agentId, epoch: now?.epoch }).toEqual({
          agentId: lease.agentId,
          epoch: lease.epoch,
        });
      }
    }
  }

  test('SIGTERM: its four are led elsewhere before it ends, and the others keep theirs', async () => {
    const [a, b, c] = await start();
    const before = await a.leases();
    b.kill('SIGTERM');
    const after = await untilLedBy([a, c], 12);
    expectTakenOver(before, after, b);
    expect(await b.program.exited).toMatchObject({ code: 0 });
  });

  test('SIGKILL: its four are led elsewhere under higher epochs, and the others keep holder and epoch', async () => {
    const [a, b, c] = await start();
    const before = await a.leases();
    b.kill('SIGKILL');
    expectTakenOver(before, await untilLedBy([a, c], 12), b);
  });

  test('SIGSTOP beyond its TTL, SIGCONT: it notices before it acts, and its append is fenced', async () => {
    const [a, b, c] = await start();
    const [held] = await b.held();
    if (held === undefined) throw new Error('b holds nothing');
    const { topic, partition, epoch } = held;
    const path = `/v1/topics/${topic}/partitions/${partition}/segments`;
    expect(await b.ask('POST', path, { epoch, ...segment('first', 0, 9) })).toMatchObject({ status: 201 });
    const sessionBefore = (await b.self()).sessionId;
    b.kill('SIGSTOP');
    const after = await untilLedBy([a, c], 12);
    const current = after.get(`${topic}/${partition}`)?.epoch;
    expect(current).toBeGreaterThan(epoch);
    b.kill('SIGCONT');
    // The very first answer it gives must not claim what another leads.
    const claimed = await b.held();
    const others = await a.leases();
    for (const { topic: t, partition: p, epoch: claimedEpoch } of claimed) {
      expect(others.get(`${t}/${p}`)).toMatchObject({ agentId: 'b', epoch: claimedEpoch });
    }
    const refused = await b.ask('POST', path, { epoch, ...segment('late', 10, 19) });
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'fenced', currentEpoch: current, holder: expect.any(String) },
    });
    // What it had stored before is still answered as stored.
    expect(await b.ask('POST', path, { epoch, ...segment('first', 0, 9) })).toMatchObject({ status: 200 });
    await eventually(async () => {
      const { state, sessionId } = await b.self();
      return state === 'active' && sessionId !== sessionBefore;
    });
    await untilHeld(agents, [4, 4, 4]);
  });

  // The rest is about agents, whatever the store is.
  if (backend === 'SQLite') return;

  test('SIGTERM of the coordinator: another is elected and the same happens', async () => {
    await start();
    const states = await Promise.all(agents.map((agent) => agent.self()));
    const coordinator = agents.find((_, i) => states[i]?.coordinator);
    if (coordinator === undefined) throw new Error('nobody is the coordinator');
    const others = agents.filter((agent) => agent !== coordinator);
    const before = await coordinator.leases();
    coordinator.kill('SIGTERM');
    expectTakenOver(before, await untilLedBy(others, 12), coordinator);
    expect(
      (await Promise.all(others.map((agent) => agent.self()))).filter((self) => self.coordinator),
    ).toHaveLength(1);
  });
});
