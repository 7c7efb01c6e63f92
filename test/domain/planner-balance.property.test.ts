// The planner's promises where all agents take all topics: how even it is, and how little that moves.
import * as fc from 'fast-check';
import { describe, expect } from 'vitest';
import { plan, type PlannerAgent, type PlannerPartition } from '../../src/domain/planner.ts';
import {
  agent,
  anyCluster,
  anyWeight,
  apply,
  check,
  equalWeight,
  key,
  loads,
  openToAll,
  shares,
  topic,
} from './planner-clusters.ts';

describe('where all agents take all topics, an assignment plan', () => {
  const weighted = anyCluster(anyWeight, openToAll);
  const equal = anyCluster(equalWeight, openToAll);
  const equalInOneZone = equal.map((cluster) => ({
    ...cluster,
    agents: cluster.agents.map((each) => ({ ...each, zone: 'z' })),
  }));

  check('gives everyone its exact share, rounded down or up', weighted, ({ agents, partitions }) => {
    expectExactShares(agents, apply(partitions, plan({ agents, partitions })));
  });

  check('moves no more than those shares make necessary', weighted, ({ agents, partitions }) => {
    const kept = partitions.map((partition) => ({ ...partition, assignedTo: keeper(agents, partition) }));
    const vacant = kept.filter((partition) => partition.assignedTo === null).length;
    const load = loads(kept);
    let over = 0;
    let under = 0;
    for (const { agentId, least, most } of shares(agents, partitions.length)) {
      over += Math.max(0, (load[agentId] ?? 0) - most);
      under += Math.max(0, least - (load[agentId] ?? 0));
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
      const agents = [...cluster.agents, agent(agentId)];
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
      const { moves } = plan({ agents: cluster.agents, partitions: [...old, ...topic(name, size)] });
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
        const grown = [...partitions, ...topic(`topic-${i}`, size)];
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
    'gives a new partition to the least loaded agent, in one zone to the one with the least of its topic, then by id',
    fc.tuple(equalInOneZone, newTopics),
    ([cluster, created]) => {
      const old = apply(cluster.partitions, plan(cluster));
      const fresh = created.flatMap(([name, size]) => [
        ...topic(name, size),
        // Some of the topic is there already.
        ...topic(name, 3).map((p, i) => ({ ...p, partition: 100 + i })),
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
      topic(`topic-${i}`, size).map((partition) => ({ ...partition, assignedTo: 'b' })),
    );
    const agents = ['b', 'c'].map((agentId) => agent(agentId));
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

function expectExactShares(all: readonly PlannerAgent[], partitions: readonly PlannerPartition[]): void {
  const load = loads(partitions);
  for (const { agentId, least, most } of shares(all, partitions.length)) {
    expect(load[agentId] ?? 0).toBeGreaterThanOrEqual(least);
    expect(load[agentId] ?? 0).toBeLessThanOrEqual(most);
  }
}

/** Where a partition would be if balance did not matter. */
function keeper(agents: readonly PlannerAgent[], { assignedTo, holder }: PlannerPartition): string | null {
  const present = (agentId: string | null): boolean => agents.some((agent) => agent.agentId === agentId);
  if (present(assignedTo)) return assignedTo;
  return present(holder) ? holder : null;
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
