// What operators allow to move: pause, threshold, and how many at a time.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type PlacementPolicy,
  plan,
  type Plan,
  type PlannerAgent,
  type PlannerPartition,
  unbounded,
} from '../../src/domain/planner.ts';
import {
  agent,
  agents,
  anySteeredCluster,
  anyTopics,
  anyWeight,
  apply,
  at,
  canKeep,
  check,
  type Cluster,
  key,
  loads,
  openToAll,
  topic,
} from './planner-clusters.ts';

const paused: PlacementPolicy = { ...unbounded, balances: false };

describe('while balancing is paused', () => {
  check('only what cannot stay moves', anySteeredCluster(anyTopics), (cluster) => {
    const result = plan({ ...cluster, policy: paused });
    const after = apply(cluster.partitions, result);
    for (const [i, before] of cluster.partitions.entries()) {
      if (!canKeep(cluster, before.assignedTo, before.topic)) continue;
      expect(after[i]?.assignedTo).toBe(before.assignedTo);
    }
    expect(result.unassignable).toBe(plan(cluster).unassignable);
  });

  it('new partitions go to the least loaded', () => {
    const partitions = [...topic('orders', 5, 'a'), ...topic('payments', 3)];
    const { moves } = plan({ agents: agents('a', 'b'), partitions, policy: paused });
    expect(moves.map(({ to }) => to)).toEqual(['b', 'b', 'b']);
  });

  it('what leaves another agent goes home all the same', () => {
    const partitions = [at('x', 0, 'a'), at('x', 1, 'b'), at('x', 2, 'gone', { home: 'b' })];
    const { moves } = plan({ agents: agents('a', 'b'), partitions, policy: paused });
    expect(moves).toMatchObject([{ partition: 2, to: 'b', home: null }]);
  });
});

describe('a threshold', () => {
  const tenPercent: PlacementPolicy = { ...unbounded, thresholdPercent: 10 };
  /** Shares of 30. */
  const uneven = (most: number): PlannerPartition[] => [
    ...topic('orders', most, 'a'),
    ...topic('payments', 60 - most, 'b'),
  ];

  it('lets everybody be within so many percent of its share', () => {
    expect(plan({ agents: agents('a', 'b'), partitions: uneven(33), policy: tenPercent }).moves).toEqual([]);
  });

  it('has everything balanced once somebody is not', () => {
    const partitions = uneven(34);
    const after = apply(partitions, plan({ agents: agents('a', 'b'), partitions, policy: tenPercent }));
    expect(loads(after)).toEqual({ a: 30, b: 30 });
  });

  it('lets everybody be within one partition of its share, however small that is', () => {
    const few = [...topic('orders', 3, 'a'), at('payments', 0, 'b')];
    expect(plan({ agents: agents('a', 'b'), partitions: few, policy: tenPercent }).moves).toEqual([]);
    expect(plan({ agents: agents('a', 'b'), partitions: few }).moves).toHaveLength(1);
  });

  it('counts what a departure adds', () => {
    const partitions = [...uneven(33), ...topic('refunds', 6, 'gone')];
    const { moves } = plan({ agents: agents('a', 'b'), partitions, policy: tenPercent });
    expect(moves.map(({ from, to }) => [from, to])).toEqual(Array.from({ length: 6 }, () => ['gone', 'b']));
  });

  it('counts in pools that share agents too', () => {
    const shared = [agent('a', { managedTopics: ['x'] }), agent('b', { managedTopics: ['x', 'y'] })];
    const partitions = [...topic('x', 22, 'a'), ...topic('y', 20, 'b')];
    expect(plan({ agents: shared, partitions }).moves).toHaveLength(1);
    expect(plan({ agents: shared, partitions, policy: tenPercent }).moves).toEqual([]);
  });

  it('holds up neither preferences nor what goes home', () => {
    const partitions = uneven(31).map((each) =>
      each.topic === 'orders' && each.partition < 2
        ? { ...each, ...(each.partition === 0 ? { prefer: ['b'] } : { home: 'b' }) }
        : each,
    );
    const { moves } = plan({ agents: agents('a', 'b'), partitions, policy: tenPercent });
    expect(moves.map(({ partition, reason }) => [partition, reason])).toEqual([[0, 'prefer']]);
    const away = partitions.map((each) => ({ ...each, prefer: [] }));
    expect(plan({ agents: agents('a', 'b'), partitions: away, policy: tenPercent }).moves).toMatchObject([
      { partition: 1, reason: 'balance', home: null },
    ]);
  });
});

describe('a bound on moves', () => {
  const two: PlacementPolicy = { ...unbounded, movesMax: 2 };

  it('counts what is on its way already', () => {
    const partitions = [
      ...topic('orders', 5, 'a'),
      at('payments', 0, 'b', { holder: 'a' }),
      at('payments', 1, 'b'),
    ];
    const { moves, deferred } = plan({ agents: agents('a', 'b', 'c'), partitions, policy: two });
    expect([moves.length, deferred]).toEqual([1, 1]);
    const vacant = partitions.map((each) =>
      each.holder === each.assignedTo ? each : { ...each, holder: null },
    );
    expect(plan({ agents: agents('a', 'b', 'c'), partitions: vacant, policy: two }).deferred).toBe(1);
  });

  it('holds up nothing that has nobody to lead it, and counts it', () => {
    const partitions = [...topic('orders', 6, 'gone'), ...topic('new', 3), ...topic('payments', 12, 'b')];
    const { moves, deferred } = plan({ agents: agents('a', 'b'), partitions, policy: two });
    expect(moves).toHaveLength(9);
    expect(deferred).toBe(1);
  });

  it('holds up a drain, and neither a stop nor an agent without its broker', () => {
    const leaving = (reason: 'drain' | 'agent_left' | 'broker_down'): Plan => {
      const a = agent('a', { takes: 'nothing', leaving: reason });
      return plan({ agents: [a, agent('b')], partitions: topic('orders', 5, 'a'), policy: two });
    };
    expect([leaving('drain').moves.length, leaving('drain').deferred]).toEqual([2, 3]);
    expect(leaving('agent_left').moves).toHaveLength(5);
    expect(leaving('broker_down').moves).toHaveLength(5);
  });

  const bound = fc.integer({ min: 1, max: 4 });

  check(
    'is never passed by what may wait, and what waits is counted',
    fc.tuple(anySteeredCluster(anyTopics), bound),
    ([cluster, movesMax]) => {
      const whole = plan(cluster);
      const { moves, deferred } = plan({ ...cluster, policy: { ...unbounded, movesMax } });
      expect(moves.length + deferred).toBe(whole.moves.length);
      const after = apply(cluster.partitions, { moves, deferred, unassignable: 0 });
      const isAway = (each: PlannerPartition, holder: string | null): boolean =>
        each.assignedTo !== holder && cluster.agents.some(({ agentId }) => agentId === each.assignedTo);
      const onTheirWay = after.filter((each, i) =>
        isAway(each, cluster.partitions[i]?.holder ?? null),
      ).length;
      const started = moves.filter((move) => isBounded(cluster, move) && !isUnderWay(cluster, move));
      if (started.some(({ to }) => to !== null)) expect(onTheirWay).toBeLessThanOrEqual(movesMax);
      // What is held back stays where it is assigned, and could have been held back.
      const made = new Set(moves.map(key));
      for (const move of whole.moves) if (!made.has(key(move))) expect(isBounded(cluster, move)).toBe(true);
    },
  );

  check(
    'leads wave by wave to the same assignment as one plan, where all agents take all topics',
    fc.tuple(fc.oneof(anySteeredCluster(openToAll), anyChange()), bound),
    ([{ agents, partitions }, movesMax]) => {
      const whole = { agents, partitions: partitions.map((each) => ({ ...each, home: null })) };
      const after = apply(whole.partitions, plan(whole));
      expect(whereabouts(inWaves(whole, movesMax))).toEqual(whereabouts(after));
    },
    1_000,
  );

  check(
    'leads to an assignment that leaves nothing to do, for any cluster',
    fc.tuple(anySteeredCluster(anyTopics), bound),
    ([cluster, movesMax]) => {
      const partitions = inWaves(cluster, movesMax);
      expect(plan({ ...cluster, partitions }).moves).toEqual([]);
    },
  );
});

describe('with any policy', () => {
  const anyPolicy = fc.record<PlacementPolicy>({
    balances: fc.boolean(),
    thresholdPercent: fc.constantFrom(0, 5, 30),
    movesMax: fc.constant(Number.POSITIVE_INFINITY),
  });

  check(
    'there is nothing left to do once a plan is carried out',
    fc.tuple(anySteeredCluster(fc.oneof(openToAll, anyTopics)), anyPolicy),
    ([{ agents, partitions }, policy]) => {
      const after = apply(partitions, plan({ agents, partitions, policy }));
      expect(plan({ agents, partitions: after, policy }).moves).toEqual([]);
    },
    2_000,
  );

  it('what went home leaves room that a move is worth now, threshold or not', () => {
    const agents = [
      agent('b', { weight: 3, managedTopics: ['s*'] }),
      agent('c', { managedTopics: ['t0'] }),
      agent('d', { weight: 3 }),
      agent('e', { weight: 0.5 }),
      agent('y', { weight: 3 }),
    ];
    const partitions = [
      at('t0', 0, null),
      at('t2', 0, null),
      at('t0', 1, null, { home: 'd' }),
      at('t0', 2, null, { prefer: ['d'] }),
      at('s', 0, null, { home: 'd' }),
      at('s', 1, null),
    ];
    const policy = { ...unbounded, thresholdPercent: 5 };
    const after = apply(partitions, plan({ agents, partitions, policy }));
    expect(plan({ agents, partitions: after, policy }).moves).toEqual([]);
  });
});

/** A balanced cluster in which agents have come, drain, are cordoned or gone, and others are preferred now. */
function anyChange(): fc.Arbitrary<Cluster> {
  const anyAgent = fc.record({
    weight: anyWeight,
    zone: fc.constantFrom('x', 'y', 'z'),
    isNew: fc.boolean(),
    now: fc.constantFrom<Partial<PlannerAgent> | null>(
      {},
      {},
      { takes: 'own' },
      { takes: 'nothing', leaving: 'drain' },
      null,
    ),
  });
  return fc
    .record({
      all: fc.array(anyAgent, { minLength: 2, maxLength: 8 }),
      sizes: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
      wishes: fc.array(fc.nat(30)),
    })
    .map(({ all, sizes, wishes }) => {
      const named = all.map((each, i) => ({
        ...each,
        agent: agent(`a${i}`, { weight: each.weight, zone: each.zone }),
      }));
      const fresh = sizes.flatMap((size, i) => topic(`t${i}`, size));
      const old = named.filter(({ isNew }) => !isNew).map((each) => each.agent);
      const before = apply(fresh, plan({ agents: old, partitions: fresh }));
      return {
        agents: named.flatMap((each) => (each.now === null ? [] : { ...each.agent, ...each.now })),
        partitions: before.map((each, i) => ({
          ...each,
          ...(wishes.includes(i) && { prefer: ['a1'] }),
          // Some are on their way.
          ...(wishes.includes(2 * i) && { holder: 'a0' }),
        })),
      };
    });
}

function isBounded(cluster: Cluster, move: { topic: string; partition: number }): boolean {
  const { holder, assignedTo } =
    cluster.partitions.find((each) => key(each) === key(move)) ?? at('none', 0, null);
  const assigned = cluster.agents.find(({ agentId }) => agentId === assignedTo);
  const isLed = cluster.agents.some(({ agentId }) => agentId === holder);
  return isLed && assigned !== undefined && (assigned.takes !== 'nothing' || assigned.leaving === 'drain');
}

function isUnderWay(cluster: Cluster, move: { topic: string; partition: number }): boolean {
  const before = cluster.partitions.find((each) => key(each) === key(move));
  return before?.assignedTo !== before?.holder;
}

/** Plans and carries out until nothing is held back. */
function inWaves(cluster: Cluster, movesMax: number): PlannerPartition[] {
  const { agents } = cluster;
  let partitions = [...cluster.partitions];
  for (let wave = 0; wave <= 2 * cluster.partitions.length + 1; wave += 1) {
    const result = plan({ agents, partitions, policy: { ...unbounded, movesMax } });
    partitions = apply(partitions, result);
    if (result.moves.length === 0 && result.deferred === 0) return partitions;
  }
  throw new Error('waves without end');
}

function whereabouts(partitions: readonly PlannerPartition[]): readonly string[] {
  return partitions.map((each) => `${key(each)} at ${each.assignedTo}`);
}
