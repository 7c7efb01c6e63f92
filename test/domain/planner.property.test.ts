// The planner's promises, for any cluster: what moves, what must not, and how even it is afterwards.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan, type Plan, type PlannerAgent, type PlannerPartition } from '../../src/domain/planner.ts';
import { matchesTopicPattern } from '../../src/domain/topic-pattern.ts';

interface Cluster {
  readonly agents: readonly PlannerAgent[];
  readonly partitions: readonly PlannerPartition[];
}

const equalWeight = fc.constant(1);
/** Uneven enough for every rule of apportionment to matter: one heavy agent among light ones above all. */
const anyWeight = fc.constantFrom(0.1, 0.3, 0.5, 1, 1, 2, 3, 5, 9, 17, 30);
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
    'leaves no single move that would help among equal weights',
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
    'leaves no single move that would help, also between unequal weights that share only some topics',
    anyCluster(anyWeight, anyTopics),
    (cluster) => {
      // One agent takes everything and one a single topic: then all partitions are in one group of several pools.
      const agents = [
        ...cluster.agents,
        newcomer('open', 2),
        { ...newcomer('picky', 3), managedTopics: ['t9'] },
      ];
      const partitions = [...cluster.partitions, ...freshTopic('t9', 3), ...freshTopic('other', 1)];
      const after = apply(partitions, plan({ agents, partitions }));
      const load = loads(agents, after);
      for (const { topic, assignedTo } of after) {
        const leader = agents.find((agent) => agent.agentId === assignedTo);
        for (const other of agents) {
          if (leader === undefined || !isWilling(other, topic)) continue;
          const helped = ((load.get(other.agentId) ?? 0) + 1) / other.weight;
          expect((load.get(leader.agentId) ?? 0) / leader.weight).toBeLessThanOrEqual(helped + 1e-9);
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
    expectExactShares(agents, apply(partitions, plan({ agents, partitions })));
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
      const agents = [...cluster.agents, newcomer(agentId)];
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
        expectExactShares(agents, partitions);
      }
    },
  );

  const newTopics = fc.uniqueArray(newTopic, { selector: ([name]) => name, minLength: 1 });

  check(
    'gives a new partition to the least loaded agent, of those the one with the least of its topic, then by id',
    fc.tuple(equal, newTopics),
    ([cluster, created]) => {
      const old = apply(cluster.partitions, plan(cluster));
      const fresh = created.flatMap(([name, size]) => [
        ...freshTopic(name, size),
        // Some of the topic is there already.
        ...freshTopic(name, 3).map((p, i) => ({ ...p, partition: 100 + i })),
      ]);
      const started = [...old, ...fresh.filter((p) => p.partition >= 100)];
      const before = apply(started, plan({ agents: cluster.agents, partitions: started }));
      const input = [...before, ...fresh.filter((p) => p.partition < 100)];
      const after = apply(input, plan({ agents: cluster.agents, partitions: input }));

      const expected = [...before];
      const vacant = input.filter((p) => p.assignedTo === null);
      for (const partition of vacant.toSorted(
        (a, b) => byText(a.topic, b.topic) || a.partition - b.partition,
      )) {
        expected.push({ ...partition, assignedTo: naiveChoice(cluster.agents, expected, partition.topic) });
      }
      const assignments = (all: readonly PlannerPartition[]): string[] =>
        all.map((p) => `${key(p)} ${p.assignedTo}`).sort();
      expect(assignments(after)).toEqual(assignments(expected));
    },
  );

  const heights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });

  check('takes from an agent with too much what levels its topics', heights, (sizes) => {
    const partitions = sizes.flatMap((size, i) =>
      freshTopic(`topic-${i}`, size).map((partition) => ({ ...partition, assignedTo: 'b' })),
    );
    const agents = ['b', 'c'].map((agentId) => newcomer(agentId));
    const after = apply(partitions, plan({ agents, partitions }));
    const left = sizes.map(
      (_, i) => after.filter((p) => p.topic === `topic-${i}` && p.assignedTo === 'b').length,
    );
    for (const [i, size] of sizes.entries()) {
      const lowest = left[i] ?? 0;
      if (lowest < size) expect(Math.max(...left)).toBeLessThanOrEqual(lowest + 1);
    }
  });
});

function expectExactShares(agents: readonly PlannerAgent[], partitions: readonly PlannerPartition[]): void {
  const load = loads(agents, partitions);
  for (const { agentId, least, most } of shares(agents, partitions.length)) {
    expect(load.get(agentId)).toBeGreaterThanOrEqual(least);
    expect(load.get(agentId)).toBeLessThanOrEqual(most);
  }
}

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
  return fc.record({
    agents: fc.subarray(agentIds, { minLength: 1 }).chain((ids) =>
      fc.tuple(
        ...ids.map((agentId) =>
          fc.record({
            agentId: fc.constant(agentId),
            weight,
            managedTopics: topics,
            takes: fc.constant('new' as const),
          }),
        ),
      ),
    ),
    partitions: fc.constantFrom(0, 1, 4).chain((known) => anyPartitions(agentIds, known)),
  });
}

/** `known` times as many partitions have an agent as have none. */
function anyPartitions(agentIds: readonly string[], known: number): fc.Arbitrary<PlannerPartition[]> {
  const nobody = { weight: 1, arbitrary: fc.constant(null) };
  const someone = fc.oneof(nobody, { weight: known, arbitrary: fc.constantFrom(...agentIds, 'gone') });
  return fc.uniqueArray(
    fc.record({
      topic: fc.constantFrom(...topicNames),
      partition: fc.nat(12),
      assignedTo: someone,
      holder: someone,
      pinned: fc.constant(false),
    }),
    { selector: key, maxLength: 50 },
  );
}

function newcomer(agentId: string, weight = 1): PlannerAgent {
  return { agentId, weight, managedTopics: [], takes: 'new' };
}

function freshTopic(topic: string, size: number): PlannerPartition[] {
  return Array.from({ length: size }, (_, partition) => ({
    topic,
    partition,
    assignedTo: null,
    holder: null,
    pinned: false,
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

/** The choice among equally heavy agents, by looking at everything each time. */
function naiveChoice(
  agents: readonly PlannerAgent[],
  partitions: readonly PlannerPartition[],
  topic: string,
): string | null {
  const rank = ({ agentId }: PlannerAgent): [number, number] => {
    const own = partitions.filter((partition) => partition.assignedTo === agentId);
    return [own.length, own.filter((partition) => partition.topic === topic).length];
  };
  const ranked = agents.map((agent) => ({ agentId: agent.agentId, rank: rank(agent) }));
  ranked.sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || byText(a.agentId, b.agentId));
  return ranked[0]?.agentId ?? null;
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
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
