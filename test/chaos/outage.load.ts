// What must move nothing: the store away for many times the TTL, one of its backends killed, and the road to it closed and opened again.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AgentProcess, type Lease } from '../e2e/cluster.ts';
import { loadArguments, say } from '../load/load-arguments.ts';
import { seededRandom } from '../load/seeded-random.ts';
import { eventually } from '../support/eventually.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { startProxy } from '../support/proxy.ts';
import { storeFaults } from './faults.ts';

const count = 20;
const partitions = 1_000;
const ttlMs = 10_000;
const startMs = 300_000;

test('an outage of the store, a killed backend and a restarted proxy move no lease and change no epoch', async ({
  signal,
}) => {
  const { outage, seed } = loadArguments();
  await using server = await startPostgresServer({ major: 16 });
  await using road = await startProxy(server.port);
  const env = {
    DATABASE_URL: `postgres://postgres@127.0.0.1:${road.port}/postgres`,
    SESSION_TTL_MS: String(ttlMs),
  };
  const agents = Array.from({ length: count }, (_, index) => new AgentProcess(`a${index}`, env));
  try {
    const [witness] = agents;
    if (witness === undefined) throw new Error('there are no agents');
    for (const { program } of agents)
      await program.waitForLog(({ msg }) => msg === 'listening', { timeoutMs: startMs });
    const isActive = async (agent: AgentProcess): Promise<boolean> => (await agent.self()).state === 'active';
    const allActive = async (): Promise<boolean> => (await Promise.all(agents.map(isActive))).every(Boolean);
    await eventually(allActive, { timeoutMs: startMs, everyMs: 500, what: 'all agents to be active' });
    await witness.ask('POST', '/v1/topics', { name: 'orders', partitionCount: partitions });
    const allLed = async (): Promise<ReadonlyMap<string, Lease> | undefined> => {
      const leases = await witness.leases('orders');
      return [...leases.values()].every(({ agentId }) => agentId !== null) ? leases : undefined;
    };
    const spread = async (): Promise<boolean> => {
      const held = await Promise.all(agents.map(async (agent) => (await agent.held()).length));
      return held.every((each) => each === partitions / count);
    };
    await eventually(spread, { timeoutMs: startMs, everyMs: 500, what: 'equal shares' });
    const rows: string[] = [];
    const check = async (what: string, harm: () => Promise<void>): Promise<void> => {
      const before = await allLed();
      if (before === undefined) throw new Error('not everything is led');
      await harm();
      const overMs = performance.now();
      await eventually(async () => (await allActive()) && (await spread()), {
        timeoutMs: startMs,
        everyMs: 100,
        what,
      });
      const trustedMs = Math.round(performance.now() - overMs);
      // A takeover that was only late would come within a TTL or two.
      await sleep(2 * ttlMs);
      const after = await eventually(allLed, { timeoutMs: startMs });
      const moved = [...before].filter(([name, { agentId }]) => after.get(name)?.agentId !== agentId).length;
      const changed = [...before].filter(([name, { epoch }]) => after.get(name)?.epoch !== epoch).length;
      rows.push(
        `${what}: ${moved} leases moved, ${changed} epochs changed, all trusted again ${trustedMs} ms after`,
      );
      say(rows.at(-1) ?? '');
      expect({ what, moved, changed }).toEqual({ what, moved: 0, changed: 0 });
    };
    await check(`the store away for ${outage} s`, async () => {
      road.mode = 'refuse';
      road.cutAll();
      await sleep(1_000 * outage);
      road.mode = 'pass';
    });
    await check('one backend killed', async () =>
      storeFaults['kill a backend']({
        server,
        nodes: [],
        random: seededRandom(seed),
        signal,
        canSetClocks: false,
      }),
    );
    await check('the proxy restarted', async () => {
      road.mode = 'refuse';
      road.cutAll();
      await sleep(2_000);
      road.mode = 'pass';
    });
  } finally {
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
  }
});
