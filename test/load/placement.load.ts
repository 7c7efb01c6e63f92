// `npm run load -- --placement`: ten real agents in three zones, weights 1 and 2, a thousand partitions; every kind of change, what it
// moved, and how even the rest is. Its bounds are those of the planner; the run fails when one is passed.
import { expect, inject, test } from 'vitest';
import { postgresStore } from '../e2e/cluster.ts';
import { say } from './load-arguments.ts';
import { Cluster, nameOf, type Phase, PlacementRecord, weightOf } from './placement.ts';

const partitions = 1_000;
const agentCount = 10;

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
  await using cluster = new Cluster(store.env);
  const done: Phase[] = [];
  const phase = async (name: string, running: number, change: () => Promise<unknown>): Promise<Phase> => {
    const result = await record.phase(name, { witness: () => cluster.at(0), agents: running }, change);
    tell(result);
    done.push(result);
    return result;
  };
  const assigned = (before: Phase, i: number): number =>
    before.agents.find(({ agentId }) => agentId === nameOf(i))?.assigned ?? 0;
  const indexes = Array.from({ length: agentCount }, (_, i) => i);
  const weights = indexes.reduce((sum, i) => sum + weightOf(i), 0);
  const shareOf = (i: number): number => Math.ceil((partitions * weightOf(i)) / weights);

  await cluster.start(0);
  await Promise.all(indexes.slice(1, 9).map((i) => cluster.start(i)));
  const nine = await phase('nine agents, four topics', 9, async () => {
    for (const topic of ['orders', 'payments', 'audit', 'clicks']) {
      await cluster.at(0).ask('POST', '/v1/topics', { name: topic, partitionCount: partitions / 4 });
    }
  });
  const join = await phase('the tenth joins', 10, () => cluster.start(9));
  expect(join.moved).toBeLessThanOrEqual(shareOf(9));
  const left = await phase('it stops', 9, () => cluster.stop(9, 'SIGTERM'));
  expect(left.moved).toBe(assigned(join, 9));
  const back = await phase('it is back', 10, () => cluster.start(9));
  expect(back.moved).toBe(left.moved);
  const killed = await phase('agent-5 is killed', 9, () => cluster.stop(5, 'SIGKILL'));
  expect(killed.moved).toBe(assigned(back, 5));
  const restarted = await phase('agent-5 is back', 10, () => cluster.start(5));
  const cordoned = await phase('agent-3 is cordoned', 10, () =>
    cluster.at(0).ask('POST', '/v1/agents/agent-3/cordon'),
  );
  expect(cordoned.moved).toBe(0);
  const drained = await phase('agent-4 is drained', 10, () =>
    cluster.at(0).ask('POST', '/v1/agents/agent-4/drain'),
  );
  expect(drained.moved).toBe(assigned(cordoned, 4));
  await phase('both are uncordoned', 10, async () => {
    for (const name of ['agent-3', 'agent-4']) await cluster.at(0).ask('POST', `/v1/agents/${name}/uncordon`);
  });
  const preferring = await phase('a topic prefers agent-7', 10, () =>
    cluster
      .at(0)
      .ask('POST', '/v1/topics', { name: 'pinned', partitionCount: 8, config: { prefer: 'agent-7' } }),
  );
  // As many others may leave agent-7, so that it has its share.
  expect(preferring.moved).toBeLessThanOrEqual(8);
  const led = [...(await cluster.at(0).leases('pinned')).values()];
  expect(led.map(({ agentId }) => agentId)).toEqual(Array.from({ length: 8 }, () => 'agent-7'));
  const rolling = await phase('all are restarted, one by one', 10, async () => {
    for (const i of indexes) {
      const witness = () => cluster.at((i + 1) % agentCount);
      await record.phase(`restart of agent-${i}`, { witness, agents: agentCount }, async () => {
        await cluster.stop(i, 'SIGTERM');
        await cluster.start(i);
      });
    }
  });
  expect(rolling.termsMax).toBeLessThanOrEqual(2);
  const balanced = [nine, join, left, back, killed, restarted, rolling];
  expect(balanced.filter(({ imbalance }) => imbalance > 1).map(({ name }) => name)).toEqual([]);
}, 900_000);
