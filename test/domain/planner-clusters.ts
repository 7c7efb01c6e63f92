// Clusters for the planner's tests: by hand, by chance, and what becomes of them when a plan is carried out.
import * as fc from 'fast-check';
import { it } from 'vitest';
import type { LeavingReason, Takes } from '../../src/domain/agent-state.ts';
import type { Plan, PlannerAgent, PlannerPartition } from '../../src/domain/planner.ts';
import { matchesTopicPattern } from '../../src/domain/topic-pattern.ts';

export interface Cluster {
  readonly agents: readonly PlannerAgent[];
  readonly partitions: readonly PlannerPartition[];
}

export function check<T>(
  claim: string,
  cases: fc.Arbitrary<T>,
  property: (value: T) => void,
  numRuns = 500,
): void {
  it(claim, () => {
    fc.assert(fc.property(cases, property), { numRuns });
  });
}

export function agent(agentId: string, more: Partial<PlannerAgent> = {}): PlannerAgent {
  return { agentId, weight: 1, zone: 'z', managedTopics: [], takes: 'new', ...more };
}

export function agents(...ids: string[]): PlannerAgent[] {
  return ids.map((id) => agent(id));
}

/** Led by the agent that it is assigned to, and not pinned, unless said otherwise. */
export function at(
  topicName: string,
  partition: number,
  assignedTo: string | null,
  more: Partial<PlannerPartition> = {},
): PlannerPartition {
  return { topic: topicName, partition, assignedTo, holder: assignedTo, pinned: false, ...more };
}

export function topic(
  name: string,
  partitions: number,
  assignedTo: string | null = null,
): PlannerPartition[] {
  return Array.from({ length: partitions }, (_, number) => at(name, number, assignedTo));
}

/** What the store keeps of a plan: a move that is not an operator's ends the pin, and says what is home. */
export function apply(partitions: readonly PlannerPartition[], { moves }: Plan): PlannerPartition[] {
  const moved = new Map(moves.map((move) => [key(move), move]));
  return partitions.map((partition) => {
    const move = moved.get(key(partition));
    return move === undefined
      ? { ...partition, holder: partition.assignedTo }
      : { ...partition, assignedTo: move.to, holder: move.to, pinned: false, home: move.home ?? null };
  });
}

export function key({ topic: name, partition }: { topic: string; partition: number }): string {
  return `${name}/${partition}`;
}

export function isWilling({ managedTopics }: PlannerAgent, name: string): boolean {
  return managedTopics.length === 0 || managedTopics.some((pattern) => matchesTopicPattern(pattern, name));
}

export function canKeep({ agents: all }: Cluster, agentId: string | null, name: string): boolean {
  return all.some((each) => each.agentId === agentId && each.takes !== 'nothing' && isWilling(each, name));
}

/** Where a partition would be if nobody asked for anything. */
export function keeperOf(
  cluster: Cluster,
  { assignedTo, holder, topic: name }: PlannerPartition,
): string | null {
  return [assignedTo, holder].find((id) => canKeep(cluster, id, name)) ?? null;
}

/** Whether it takes part in balance. */
export function isOpen({ agents: all }: Cluster, agentId: string): boolean {
  return all.some((each) => each.agentId === agentId && each.takes === 'new' && each.isUnsettled !== true);
}

/** Who may be given partitions of a topic: settled agents, or unsettled ones where there are none. */
export function takersOf(cluster: Cluster, name: string): string[] {
  const all = cluster.agents.filter((each) => each.takes === 'new' && isWilling(each, name));
  const settled = all.filter((each) => each.isUnsettled !== true);
  return (settled.length > 0 ? settled : all).map(({ agentId }) => agentId);
}

/** Where a preference wants a partition; undefined when there is none that counts. */
export function wishOf(cluster: Cluster, partition: PlannerPartition): string | undefined {
  const { topic: name, assignedTo, pinned, prefer = [] } = partition;
  if (pinned && canKeep(cluster, assignedTo, name)) return undefined;
  const keeper = keeperOf(cluster, partition);
  return prefer.find((id) => canKeep(cluster, id, name) && (isOpen(cluster, id) || id === keeper));
}

export function loads(partitions: readonly PlannerPartition[]): Record<string, number> {
  return countBy(partitions.flatMap(({ assignedTo }) => assignedTo ?? []));
}

export function countBy(values: readonly (string | number | null)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[String(value)] = (counts[String(value)] ?? 0) + 1;
  return counts;
}

/** Exact shares, rounded down and up. In tenths of weight, so that they are exact: no weight in these tests is finer. */
export function shares(
  all: readonly PlannerAgent[],
  partitions: number,
): { agentId: string; least: number; most: number }[] {
  const tenths = all.map(({ weight }) => BigInt(Math.round(weight * 10)));
  const total = tenths.reduce((sum, weight) => sum + weight, 0n);
  return all.map(({ agentId }, i) => {
    const product = BigInt(partitions) * (tenths[i] ?? 0n);
    return { agentId, least: Number(product / total), most: Number((product + total - 1n) / total) };
  });
}

/** Shuffled by a small generator of its own, so that a failing case can be run again. */
export function shuffle<T>(items: readonly T[], seed: number): T[] {
  let state = (seed % 2_147_483_646) + 1;
  return items
    .map((item) => {
      state = (state * 48_271) % 2_147_483_647;
      return { item, rank: state };
    })
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

export const equalWeight = fc.constant(1);
/** Uneven enough for every rule of apportionment to matter: one heavy agent among light ones above all. */
export const anyWeight = fc.constantFrom(0.1, 0.3, 0.5, 1, 1, 2, 3, 5, 9, 17, 30);
export const openToAll = fc.constant<readonly string[]>([]);
export const anyTopics = fc.oneof(
  { weight: 1, arbitrary: openToAll },
  {
    weight: 3,
    arbitrary: fc.uniqueArray(fc.constantFrom('t0', 't1', 't2', 't3', 't4', 't?', 's*', '*1', '*'), {
      minLength: 1,
      maxLength: 3,
    }),
  },
);
const anyZone = fc.constantFrom('x', 'y', 'y', 'z');
const topicNames = ['t0', 't1', 't2', 't3', 's0', 's1'];
const agentIds = ['b', 'c', 'd', 'e', 'f', 'g', 'y'];

/** One to seven agents; partitions anywhere, also with agents that are gone. */
export function anyCluster(
  weight: fc.Arbitrary<number>,
  topics: fc.Arbitrary<readonly string[]>,
): fc.Arbitrary<Cluster> {
  return fc.record({
    agents: fc
      .subarray(agentIds, { minLength: 1 })
      .chain((ids) =>
        fc.tuple(
          ...ids.map((agentId) =>
            fc.record({ weight, managedTopics: topics, zone: anyZone }).map((more) => agent(agentId, more)),
          ),
        ),
      ),
    partitions: fc.constantFrom(0, 1, 4).chain((known) => anyPartitions(known)),
  });
}

/** `known` times as many partitions have an agent as have none. */
function anyPartitions(known: number): fc.Arbitrary<PlannerPartition[]> {
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

const anySteering = fc.constantFrom<{ takes: Takes; leaving?: LeavingReason; isUnsettled?: boolean }>(
  { takes: 'new' },
  { takes: 'new' },
  { takes: 'new', isUnsettled: true },
  { takes: 'own' },
  { takes: 'nothing', leaving: 'drain' },
  { takes: 'nothing', leaving: 'broker_down' },
);

/** One to seven agents of all kinds; partitions anywhere, a third of them pinned, some with wishes and homes. */
export function anySteeredCluster(topics: fc.Arbitrary<readonly string[]>): fc.Arbitrary<Cluster> {
  const someone = fc.constantFrom(null, 'gone', ...agentIds, ...agentIds);
  const anyAgent = (agentId: string): fc.Arbitrary<PlannerAgent> =>
    fc
      .record({
        weight: fc.constantFrom(0.5, 1, 1, 3, 10),
        managedTopics: topics,
        zone: anyZone,
        steering: anySteering,
      })
      .map(({ steering, ...rest }) => agent(agentId, { ...rest, ...steering }));
  return fc.record({
    agents: fc
      .subarray(agentIds, { minLength: 1 })
      .chain((ids) => fc.tuple(...ids.map((agentId) => anyAgent(agentId)))),
    partitions: fc.uniqueArray(
      fc.record(
        {
          topic: fc.constantFrom('t0', 't1', 't2', 's'),
          partition: fc.nat(12),
          assignedTo: someone,
          holder: someone,
          pinned: fc.constantFrom(true, false, false),
          prefer: fc.uniqueArray(fc.constantFrom('gone', ...agentIds), { minLength: 1, maxLength: 2 }),
          home: someone,
        },
        { requiredKeys: ['topic', 'partition', 'assignedTo', 'holder', 'pinned'] },
      ),
      { selector: key, maxLength: 40 },
    ),
  });
}
