// `npm run load -- --placement`: ten real agents in three zones, weights 1 and 2, a thousand partitions; every kind of change, what it
// moved, and how even the rest is. Its bounds are those of the planner; the run fails when one is passed.
import { expect, inject, test } from 'vitest';
import { AgentProcess, postgresStore } from '../e2e/cluster.ts';
import { say } from './load-arguments.ts';
import { type Phase, PlacementRecord } from './placement.ts';

const partitions = 1_000;
const names = Array.from({ length: 10 }, (_, i) => `agent-${i}`);
const weightOf = (i: number): number => 1 + (i % 2);

function tell(phase: Phase): void {
  const { name, tookMs, moved, termsMax, gapMs, imbalance } = phase;
  say(
    `${name.padEnd(34)} ${String(moved).padStart(5)} moved, at most ${termsMax} terms each, longest without a leader ${gapMs.toFixed(0)} ms,` +
      ` at most ${imbalance.toFixed(2)} from the share, settled after ${(tookMs / 1000).toFixed(1)} s`,
  );
}

test('what each change of a cluster moves', async () => {
  const [target] = inject('postgresTargets');
  if (target === undefined) throw new Error('no PostgreSQL on this platform');
  await using store = postgresStore(target.url);
  await using record = await PlacementRecord.open(target.url, store.env['DATABASE_SCHEMA'] ?? '');
  const agents = new Map<string, AgentProcess>();
  await using _processes = {
    async [Symbol.asyncDispose]() {
      await Promise.all([...agents.values()].map((agent) => agent[Symbol.asyncDispose]()));
    },
  };
  const start = async (i: number): Promise<void> => {
    const name = names[i] ?? '';
    const agent = new AgentProcess(name, {
      ...store.env,
      SESSION_TTL_MS: '3000',
      AGENT_ZONE: `zone-${i % 3}`,
      AGENT_WEIGHT: String(weightOf(i)),
    });
    agents.set(name, agent);
    await agent.active();
  };
  const at = (i: number): AgentProcess => {
    const agent = agents.get(names[i] ?? '');
    if (agent === undefined) throw new Error(`agent ${i} does not run`);
    return agent;
  };
  const stop = async (i: number, signal: NodeJS.Signals): Promise<void> => {
    at(i).kill(signal);
    await at(i).program.exited;
  };
  const done: Phase[] = [];
  const phase = async (name: string, running: number, change: () => Promise<unknown>): Promise<Phase> => {
    const result = await record.phase(name, { witness: at(0), agents: running }, change);
    tell(result);
    done.push(result);
    return result;
  };
  const assigned = (before: Phase, i: number): number =>
    before.agents.find(({ agentId }) => agentId === names[i])?.assigned ?? 0;
  const weights = names.reduce((sum, _, i) => sum + weightOf(i), 0);
  const shareOf = (i: number): number => Math.ceil((partitions * weightOf(i)) / weights);

  await start(0);
  await Promise.all(names.slice(1, 9).map((_, i) => start(i + 1)));
  const nine = await phase('nine agents, four topics', 9, async () => {
    for (const topic of ['orders', 'payments', 'audit', 'clicks']) {
      await at(0).ask('POST', '/v1/topics', { name: topic, partitionCount: partitions / 4 });
    }
  });
  const join = await phase('the tenth joins', 10, () => start(9));
  expect(join.moved).toBeLessThanOrEqual(shareOf(9));
  const left = await phase('it stops', 9, () => stop(9, 'SIGTERM'));
  expect(left.moved).toBe(assigned(join, 9));
  const back = await phase('it is back', 10, () => start(9));
  expect(back.moved).toBe(left.moved);
  const killed = await phase('agent-5 is killed', 9, () => stop(5, 'SIGKILL'));
  expect(killed.moved).toBe(assigned(back, 5));
  const restarted = await phase('agent-5 is back', 10, () => start(5));
  const cordoned = await phase('agent-3 is cordoned', 10, () =>
    at(0).ask('POST', '/v1/agents/agent-3/cordon'),
  );
  expect(cordoned.moved).toBe(0);
  const drained = await phase('agent-4 is drained', 10, () => at(0).ask('POST', '/v1/agents/agent-4/drain'));
  expect(drained.moved).toBe(assigned(cordoned, 4));
  await phase('both are uncordoned', 10, async () => {
    for (const name of ['agent-3', 'agent-4']) await at(0).ask('POST', `/v1/agents/${name}/uncordon`);
  });
  const preferring = await phase('a topic prefers agent-7', 10, () =>
    at(0).ask('POST', '/v1/topics', { name: 'pinned', partitionCount: 8, config: { prefer: 'agent-7' } }),
  );
  expect(preferring.moved).toBe(0);
  const led = [...(await at(0).leases('pinned')).values()];
  expect(led.map(({ agentId }) => agentId)).toEqual(Array.from({ length: 8 }, () => 'agent-7'));
  const rolling = await phase('all are restarted, one by one', 10, async () => {
    for (const i of [...names.keys()]) {
      const before = agents.get(names[(i + 1) % 10] ?? '');
      if (before === undefined) throw new Error('nobody to ask');
      await record.phase(`restart of agent-${i}`, { witness: before, agents: 10 }, async () => {
        await stop(i, 'SIGTERM');
        await start(i);
      });
    }
  });
  expect(rolling.termsMax).toBeLessThanOrEqual(2);
  for (const each of [nine, join, left, back, killed, restarted, rolling]) {
    expect(each.imbalance, each.name).toBeLessThanOrEqual(1);
  }
}, 900_000);
