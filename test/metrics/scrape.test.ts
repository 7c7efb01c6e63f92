// One scrape: series are there while what they describe is, and vanish with it.
import { expect, test } from 'vitest';
import type { GroupCounts, LeaseTerm, PlanFigures, PoolUse } from '../../src/metrics/probe.ts';
import { instrumentsOver, seriesIn } from './reading.ts';

const counts: GroupCounts = {
  agents: { active: 3, dead: 1 },
  partitions: { led: 12, unled: 4 },
  movesUnderWay: 2,
};
const plan: PlanFigures = {
  generation: 7,
  isPaused: true,
  waiting: 5,
  agents: [
    { agentId: 'a', partitions: 10, share: 10.5 },
    { agentId: 'b', partitions: 6, share: undefined },
  ],
};
const coordinatorOnly = [
  'agents',
  'partitions',
  'paused',
  'moves_planned',
  'agent_partitions',
  'agent_share',
  'assignment_generation',
];

test('what only the coordinator knows is there while it is one, and vanishes with the role', async () => {
  let isCoordinator = true;
  const { scrape } = instrumentsOver({
    counts: async () => (isCoordinator ? counts : undefined),
    plan: async () => (isCoordinator ? plan : undefined),
  });
  const shown = async () => {
    const text = await scrape.metrics();
    return coordinatorOnly.map((name) => seriesIn(text, `streamhouse_${name}`));
  };
  expect(await shown()).toEqual([
    { '{group="g",state="active"}': 3, '{group="g",state="dead"}': 1 },
    { '{group="g",state="led"}': 12, '{group="g",state="unled"}': 4 },
    { '{group="g"}': 1 },
    { '{group="g",state="under_way"}': 2, '{group="g",state="waiting"}': 5 },
    { '{group="g",agent_id="a"}': 10, '{group="g",agent_id="b"}': 6 },
    { '{group="g",agent_id="a"}': 10.5 },
    { '{group="g"}': 7 },
  ]);
  isCoordinator = false;
  expect(await shown()).toEqual(coordinatorOnly.map(() => ({})));
});

test('an agent that left takes its series along', async () => {
  let agents = plan.agents;
  const { scrape } = instrumentsOver({ plan: async () => ({ ...plan, agents }) });
  await scrape.metrics();
  agents = plan.agents.slice(1);
  const text = await scrape.metrics();
  expect(seriesIn(text, 'streamhouse_agent_partitions')).toEqual({ '{group="g",agent_id="b"}': 6 });
  expect(seriesIn(text, 'streamhouse_agent_share')).toEqual({});
});

test('a lease given up takes its series along; what is held beyond the bound is counted', async () => {
  let leases: LeaseTerm[] | undefined = [
    { topic: 'orders', partition: 0, epoch: 3 },
    { topic: 'orders', partition: 1, epoch: 9 },
  ];
  const { scrape } = instrumentsOver({ leases: () => leases });
  const shown = async () => {
    const text = await scrape.metrics();
    return [seriesIn(text, 'streamhouse_lease_epoch'), seriesIn(text, 'streamhouse_lease_series_omitted')];
  };
  expect(await shown()).toEqual([
    { '{topic="orders",partition="0"}': 3, '{topic="orders",partition="1"}': 9 },
    { '': 0 },
  ]);
  leases = leases.slice(1);
  expect(await shown()).toEqual([{ '{topic="orders",partition="1"}': 9 }, { '': 0 }]);
  leases = Array.from({ length: 10_000 }, (_, partition) => ({ topic: 'orders', partition, epoch: 1 }));
  const [epochs, omitted] = await shown();
  expect(Object.keys(epochs ?? {})).toHaveLength(1_000);
  expect(omitted).toEqual({ '': 9_000 });
  leases = undefined;
  expect(await shown()).toEqual([{}, {}]);
});

test("a pool's connections are shown as they are, and not at all without a pool", async () => {
  let pools: PoolUse[] = [{ pool: 'queries', busy: 3, idle: 1, waiting: 2, max: 4 }];
  const { scrape } = instrumentsOver({ storePools: () => pools });
  const shown = async () => {
    const text = await scrape.metrics();
    return ['', '_waiting', '_max'].map((suffix) => seriesIn(text, `streamhouse_store_connections${suffix}`));
  };
  expect(await shown()).toEqual([
    { '{pool="queries",state="busy"}': 3, '{pool="queries",state="idle"}': 1 },
    { '{pool="queries"}': 2 },
    { '{pool="queries"}': 4 },
  ]);
  pools = [];
  expect(await shown()).toEqual([{}, {}, {}]);
});

test('with the store away, what the agent knows by itself is answered', async () => {
  const { scrape } = instrumentsOver({
    leasesHeld: () => 3,
    counts: () => Promise.reject(new Error('away')),
    plan: async () => plan,
  });
  const text = await scrape.metrics();
  expect(seriesIn(text, 'streamhouse_leases_held')).toEqual({ '': 3 });
  expect(seriesIn(text, 'streamhouse_agents')).toEqual({});
  expect(seriesIn(text, 'streamhouse_moves_planned')).toEqual({ '{group="g",state="waiting"}': 5 });
});
