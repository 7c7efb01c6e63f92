// One scrape: series are there while what they describe is, and vanish with it.
import { expect, test } from 'vitest';
import type { GroupCounts, LeaseTerm, PlanFigures } from '../../src/metrics/probe.ts';
import type { PoolUse } from '../../src/store/metadata-store.ts';
import { createInstruments } from '../../src/metrics/instruments.ts';
import { countsWaitMs } from '../../src/metrics/scrape.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { ManualClock } from '../coordination/manual-clock.ts';
import { instrumentsOver, quietProbe, seriesIn } from './reading.ts';

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

test('a store that does not answer is waited for no longer than it may take, and asked once at a time', async () => {
  const clock = new ManualClock();
  let asked = 0;
  let answer = (_counts: GroupCounts): void => undefined;
  const probe = {
    ...quietProbe,
    leasesHeld: () => 3,
    counts: () => {
      asked += 1;
      return new Promise<GroupCounts>((resolve) => {
        answer = resolve;
      });
    },
  };
  // Turns are given as always; only waiting is by hand.
  const sleep: Clock['sleep'] = (ms, signal) => (ms === 0 ? systemClock : clock).sleep(ms, signal);
  const { scrape } = createInstruments(probe, { ...systemClock, sleep });
  const [first, second] = [scrape.metrics(), scrape.metrics()];
  await clock.advance(countsWaitMs);
  expect(await second).toBe(await first);
  expect(seriesIn(await first, 'streamhouse_leases_held')).toEqual({ '': 3 });
  expect(seriesIn(await first, 'streamhouse_agents')).toEqual({});
  const third = scrape.metrics();
  answer(counts);
  expect(seriesIn(await third, 'streamhouse_agents')).toEqual({
    '{group="g",state="active"}': 3,
    '{group="g",state="dead"}': 1,
  });
  expect(asked).toBe(1);
});

test('an exposition is whole however large: rendering pauses, and gives the event loop its turn', async () => {
  const agents = Array.from({ length: 1_000 }, (_, i) => ({ agentId: `a-${i}`, partitions: 10, share: 10 }));
  const leases = Array.from({ length: 10_000 }, (_, partition) => ({ topic: 'orders', partition, epoch: 1 }));
  let pauses = 0;
  const sleep: Clock['sleep'] = (ms, signal) => {
    if (ms === 0) pauses += 1;
    return systemClock.sleep(ms, signal);
  };
  const { scrape } = createInstruments(
    { ...quietProbe, leases: () => leases, plan: async () => ({ ...plan, agents }) },
    { ...systemClock, sleep },
  );
  const text = await scrape.metrics();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(Object.keys(seriesIn(text, 'streamhouse_agent_partitions'))).toHaveLength(1_000);
  expect(Object.keys(seriesIn(text, 'streamhouse_agent_share'))).toHaveLength(1_000);
  expect(samples.length).toBeGreaterThan(3_000);
  expect(samples.length).toBeLessThan(3_300);
  expect(pauses).toBeGreaterThan(0);
  expect(text.endsWith('\n')).toBe(true);
});
