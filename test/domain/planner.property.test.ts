// The planner's promises for any cluster: what moves, what must not, and what no move could improve.
import * as fc from 'fast-check';
import { describe, expect } from 'vitest';
import { plan } from '../../src/domain/planner.ts';
import {
  agent,
  anyCluster,
  anyTopics,
  anyWeight,
  apply,
  check,
  isWilling,
  key,
  loads,
  shuffle,
  topic,
} from './planner-clusters.ts';

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
      const load = loads(after);
      for (const { topic: name, assignedTo } of after) {
        if (assignedTo === null) continue;
        for (const other of equal) {
          if (!isWilling(other, name)) continue;
          expect(load[assignedTo] ?? 0).toBeLessThanOrEqual((load[other.agentId] ?? 0) + 1);
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
        agent('open', { weight: 2 }),
        agent('picky', { weight: 3, managedTopics: ['t9'] }),
      ];
      const partitions = [...cluster.partitions, ...topic('t9', 3), ...topic('other', 1)];
      const after = apply(partitions, plan({ agents, partitions }));
      const load = loads(after);
      for (const { topic: name, assignedTo } of after) {
        const leader = agents.find((agent) => agent.agentId === assignedTo);
        for (const other of agents) {
          if (leader === undefined || !isWilling(other, name)) continue;
          const helped = ((load[other.agentId] ?? 0) + 1) / other.weight;
          expect((load[leader.agentId] ?? 0) / leader.weight).toBeLessThanOrEqual(helped + 1e-9);
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
