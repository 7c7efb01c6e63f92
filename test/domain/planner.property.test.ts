// The planner's promises, for any cluster: what moves, what must not, and how even it is afterwards.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan, type Plan, type PlannerAgent, type PlannerPartition } from '../../src/domain/planner.ts';
import { matchesTopicPattern } from '../../src/domain/topic-pattern.ts';

interface Cluster {
  readonly agents: readonly PlannerAgent[];
  readonly partitions: readonly PlannerPartition[];
}

const equalWeight = fc.constant(1);
const anyWeight = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.constantFrom(0.1, 0.2, 0.3, 0.7, 1.5, 17, 100, 1_000),
);
const openToAll = fc.constant<readonly string[]>([]);
const anyTopics = fc.oneof(
  { weight: 1, arbitrary: openToAll },
  {
    weight: 3,
    arbitrary: fc.uniqueArray(fc.constantFrom('t0', 't1', 't2', 't3', 't4', 't?', 's*', '*1', '*'), {
      minLength: 1,
      maxLength: 3,
    }),
  },
);
const topicNames = ['t0', 't1', 't2', 't3', 's0', 's1'];

describe('for any cluster, an assignment plan', () => {
  check(
    'places each partition once, with a willing agent if there is one',
    anyCluster(anyWeight, anyTopics),
    (cluster) => {
      const result = plan(cluster);
      const keys = result.moves.map(key);
      expect(new Set(keys).size).toBe(keys.length);
      expect(result.moves.every((move) => move.from !== move.to)).toBe(true);

      const before = new Map(cluster.partitions.map((partition) => [key(partition), partition.assignedTo]));
      for (const move of result.moves) expect(before.get(key(move))).toBe(move.from);

      let nobody = 0;
      for (const partition of apply(cluster.partitions, result)) {
        const willing = cluster.agents.filter((agent) => isWilling(agent, partition.topic));
        if (willing.length === 0) nobody += 1;
        if (willing.length === 0) expect(partition.assignedTo).toBeNull();
        else expect(willing.map((agent) => agent.agentId)).toContain(partition.assignedTo);
      }
      expect(result.unassignable).toBe(nobody);
    },
  );

  check(
    'does not depend on the order of its input',
    fc.tuple(anyCluster(anyWeight, anyTopics), fc.nat()),
    ([cluster, seed]) => {
      const shuffled = {
        agents: shuffle(
          cluster.agents.map((agent) => ({ ...agent, managedTopics: shuffle(agent.managedTopics, seed) })),
          seed,
        ),
        partitions: shuffle(cluster.partitions, seed),
      };
      expect(plan(shuffled)).toEqual(plan(cluster));
    },
  );

  check(
    'has nothing left to do once it is applied',
    anyCluster(anyWeight, anyTopics),
    ({ agents, partitions }) => {
      const after = apply(partitions, plan({ agents, partitions }));
      expect(plan({ agents, partitions: after }).moves).toEqual([]);
    },
  );

  check(
    'leaves no single move that would help',
    anyCluster(anyWeight, anyTopics),
    ({ agents, partitions }) => {
      // In pools of unequal weights that share nobody, rounded shares decide instead, which is the next property.
      const equal = agents.map((agent) => ({ ...agent, weight: 2 }));
      const after = apply(partitions, plan({ agents: equal, partitions }));
      const load = loads(equal, after);
      for (const { topic, assignedTo } of after) {
        if (assignedTo === null) continue;
        for (const other of equal) {
          if (!isWilling(other, topic)) continue;
          expect(load.get(assignedTo) ?? 0).toBeLessThanOrEqual((load.get(other.agentId) ?? 0) + 1);
        }
      }
    },
  );

  check(
    'moves what could have stayed only for balance, and says so',
    anyCluster(anyWeight, anyTopics),
    ({ agents, partitions }) => {
      const previousAgents = agents.filter((_, i) => i % 2 === 0).map((agent) => agent.agentId);
      for (const move of plan({ agents, partitions, previousAgents }).moves) {
        const from = agents.find((agent) => agent.agentId === move.from);
        const joined = move.to !== null && !previousAgents.includes(move.to);
        if (move.from === null) expect(move.reason).toBe('new_partition');
        else if (from === undefined) expect(move.reason).toBe('agent_left');
        else if (!isWilling(from, move.topic)) expect(move.reason).toBe('not_willing');
        else expect(move.reason).toBe(joined ? 'agent_joined' : 'balance');
      }
    },
  );
});

describe('where all agents take all topics, an assignment plan', () => {
  const weighted = anyCluster(anyWeight, openToAll);
  const equal = anyCluster(equalWeight, openToAll);

  check('gives everyone its exact share, rounded down or up', weighted, ({ agents, partitions }) => {
    const load = loads(agents, apply(partitions, plan({ agents, partitions })));
    for (const { agentId, least, most } of shares(agents, partitions.length)) {
      expect(load.get(agentId)).toBeGreaterThanOrEqual(least);
      expect(load.get(agentId)).toBeLessThanOrEqual(most);
    }
  });

  check('moves no more than those shares make necessary', weighted, ({ agents, partitions }) => {
    const kept = partitions.map((partition) => ({ ...partition, assignedTo: keeper(agents, partition) }));
    const vacant = kept.filter((partition) => partition.assignedTo === null).length;
    const load = loads(agents, kept);
    let over = 0;
    let under = 0;
    for (const { agentId, least, most } of shares(agents, partitions.length)) {
      over += Math.max(0, (load.get(agentId) ?? 0) - most);
      under += Math.max(0, least - (load.get(agentId) ?? 0));
    }
    const after = apply(partitions, plan({ agents, partitions }));
    const taken = kept.filter(
      ({ assignedTo }, i) => assignedTo !== null && assignedTo !== after[i]?.assignedTo,
    );
    expect(taken).toHaveLength(Math.max(over, under - vacant));
  });

  check('moves at most ⌈P / N⌉ partitions when an agent joins, all of them to it', equal, (cluster) => {
    const partitions = apply(cluster.partitions, plan(cluster));
    for (const agentId of ['a', 'm', 'zz']) {
      const agents = [...cluster.agents, { agentId, weight: 1, managedTopics: [] }];
      const { moves } = plan({
        agents,
        partitions,
        previousAgents: cluster.agents.map((agent) => agent.agentId),
      });
      expect(moves.length).toBeLessThanOrEqual(Math.ceil(partitions.length / agents.length));
      expect(moves.every((move) => move.to === agentId && move.reason === 'agent_joined')).toBe(true);
    }
  });

  check('moves only the partitions of an agent that leaves', equal, (cluster) => {
    const partitions = apply(cluster.partitions, plan(cluster));
    for (const leaver of cluster.agents) {
      const agents = cluster.agents.filter((agent) => agent !== leaver);
      const { moves } = plan({ agents, partitions });
      expect(moves.every((move) => move.from === leaver.agentId)).toBe(true);
      expect(moves).toHaveLength(partitions.filter((p) => p.assignedTo === leaver.agentId).length);
    }
  });

  const newTopic = fc.tuple(fc.constantFrom('a-new', 's01', 'z-new'), fc.integer({ min: 1, max: 20 }));

  check(
    'places only the new partitions when a topic is created',
    fc.tuple(equal, newTopic),
    ([cluster, [name, size]]) => {
      const old = apply(cluster.partitions, plan(cluster));
      const { moves } = plan({ agents: cluster.agents, partitions: [...old, ...freshTopic(name, size)] });
      expect(moves.every((move) => move.topic === name && move.reason === 'new_partition')).toBe(true);
      expect(moves).toHaveLength(size);
    },
  );

  const growth = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 10 });

  check(
    'never moves anything while topics are added, whatever the weights',
    fc.tuple(weighted, growth),
    ([{ agents }, sizes]) => {
      let partitions: PlannerPartition[] = [];
      for (const [i, size] of sizes.entries()) {
        const grown = [...partitions, ...freshTopic(`topic-${i}`, size)];
        const result = plan({ agents, partitions: grown });
        expect(result.moves).toHaveLength(size);
        expect(result.moves.every((move) => move.reason === 'new_partition')).toBe(true);
        partitions = apply(grown, result);
      }
    },
  );

  check('spreads a new topic over as many agents as are equally loaded', equal, ({ agents }) => {
    const result = plan({ agents, partitions: freshTopic('topic', agents.length) });
    expect(new Set(result.moves.map((move) => move.to)).size).toBe(agents.length);
  });
});

function check<T>(claim: string, cases: fc.Arbitrary<T>, property: (value: T) => void): void {
  it(claim, () => {
    fc.assert(fc.property(cases, property), { numRuns: 500 });
  });
}

/** One to seven agents; partitions anywhere, also with agents that are gone. */
function anyCluster(
  weight: fc.Arbitrary<number>,
  topics: fc.Arbitrary<readonly string[]>,
): fc.Arbitrary<Cluster> {
  const agentIds = ['b', 'c', 'd', 'e', 'f', 'g', 'y'];
  const someone = fc.option(fc.constantFrom(...agentIds, 'gone'), { freq: 4 });
  return fc.record({
    agents: fc
      .subarray(agentIds, { minLength: 1 })
      .chain((ids) =>
        fc.tuple(
          ...ids.map((agentId) =>
            fc.record({ agentId: fc.constant(agentId), weight, managedTopics: topics }),
          ),
        ),
      ),
    partitions: fc.uniqueArray(
      fc.record({
        topic: fc.constantFrom(...topicNames),
        partition: fc.nat(12),
        assignedTo: someone,
        holder: someone,
      }),
      { selector: key, maxLength: 50 },
    ),
  });
}

function freshTopic(topic: string, size: number): PlannerPartition[] {
  return Array.from({ length: size }, (_, partition) => ({
    topic,
    partition,
    assignedTo: null,
    holder: null,
  }));
}

function key({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}

function isWilling({ managedTopics }: PlannerAgent, topic: string): boolean {
  return managedTopics.length === 0 || managedTopics.some((pattern) => matchesTopicPattern(pattern, topic));
}

/** Where a partition would be if balance did not matter. */
function keeper(agents: readonly PlannerAgent[], { assignedTo, holder }: PlannerPartition): string | null {
  const present = (agentId: string | null): boolean => agents.some((agent) => agent.agentId === agentId);
  if (present(assignedTo)) return assignedTo;
  return present(holder) ? holder : null;
}

function apply(partitions: readonly PlannerPartition[], { moves }: Plan): PlannerPartition[] {
  const moved = new Map(moves.map((move) => [key(move), move.to]));
  return partitions.map((partition) => {
    const to = moved.get(key(partition));
    const assignedTo = to === undefined ? partition.assignedTo : to;
    return { ...partition, assignedTo, holder: assignedTo };
  });
}

function loads(
  agents: readonly PlannerAgent[],
  partitions: readonly PlannerPartition[],
): Map<string, number> {
  const load = new Map(agents.map((agent) => [agent.agentId, 0]));
  for (const { assignedTo } of partitions) {
    if (assignedTo !== null) load.set(assignedTo, (load.get(assignedTo) ?? 0) + 1);
  }
  return load;
}

/** In tenths of weight, so that shares are exact: no weight in these tests is finer. */
function shares(
  agents: readonly PlannerAgent[],
  partitions: number,
): { agentId: string; least: number; most: number }[] {
  const tenths = agents.map((agent) => BigInt(Math.round(agent.weight * 10)));
  const total = tenths.reduce((sum, weight) => sum + weight, 0n);
  return agents.map(({ agentId }, i) => {
    const product = BigInt(partitions) * (tenths[i] ?? 0n);
    return { agentId, least: Number(product / total), most: Number((product + total - 1n) / total) };
  });
}

/** Shuffled by a small generator of its own, so that a failing case can be run again. */
function shuffle<T>(items: readonly T[], seed: number): T[] {
  let state = (seed % 2_147_483_646) + 1;
  return items
    .map((item) => {
      state = (state * 48_271) % 2_147_483_647;
      return { item, rank: state };
    })
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
