// What people want to know of the last plan: how much each agent has, and what is its by weight. Made only when somebody asks, and then
// in slices, so that heartbeats are never late because of it.
import { fairShares, listKey } from '../domain/fair-share.ts';
import type { Move, Plan } from '../domain/planner.ts';
import type { PlanFigures } from '../metrics/probe.ts';
import type { Clock } from '../platform/clock.ts';
import type { PlanningInput } from '../store/assignments.ts';

/** A plan with what it was made from, written as far as it was to be. */
export interface Planned {
  readonly input: PlanningInput;
  readonly plan: Pick<Plan, 'moves' | 'deferred'>;
  /** The group's generation after it. */
  readonly generation: number;
}

/** Partitions, and pairs of a topic and a list of topics, looked at in one slice at most: a few milliseconds. */
const partitionsOfSlice = 2_000;
const pairsOfSlice = 20_000;

export async function planFigures({ input, plan, generation }: Planned, clock: Clock): Promise<PlanFigures> {
  const agents = input.agents.map((agent) => ({ ...agent, isOpen: agent.takes === 'new' }));
  const counts = new Map<string, number>();
  const shares = new Map<string, number>();
  const targets = await targetsOf(plan.moves, clock);
  const lists = new Set(agents.map(({ managedTopics }) => listKey(managedTopics)));
  for (const slice of slicesByTopic(input.partitions, lists.size)) {
    const placed = slice.map(({ topic, partition, assignedTo }) => {
      const moved = targets.get(`${topic}/${partition}`);
      return { topic, agentId: moved === undefined ? assignedTo : moved };
    });
    for (const { agentId } of placed) {
      if (agentId !== null) counts.set(agentId, (counts.get(agentId) ?? 0) + 1);
    }
    // A share is a sum over topics, and no topic is in two slices.
    for (const [agentId, share] of fairShares(agents, placed)) {
      shares.set(agentId, (shares.get(agentId) ?? 0) + share);
    }
    await clock.sleep(0);
  }
  return {
    generation,
    isPaused: input.pausedSince !== null,
    waiting: plan.deferred,
    agents: agents.map(({ agentId, isOpen }) => ({
      agentId,
      partitions: counts.get(agentId) ?? 0,
      share: isOpen ? (shares.get(agentId) ?? 0) : undefined,
    })),
  };
}

/** Where the plan's moves put partitions, by `topic/partition`. */
async function targetsOf(moves: readonly Move[], clock: Clock): Promise<ReadonlyMap<string, string | null>> {
  const targets = new Map<string, string | null>();
  for (const { topic, partition, to } of moves) {
    targets.set(`${topic}/${partition}`, to);
    if (targets.size % partitionsOfSlice === 0) await clock.sleep(0);
  }
  return targets;
}

/** Whole topics at a time; a topic that fills a slice by itself has one of its own. */
function* slicesByTopic<P extends { readonly topic: string }>(
  partitions: readonly P[],
  listCount: number,
): Generator<readonly P[]> {
  const topicsMax = Math.max(1, Math.floor(pairsOfSlice / Math.max(1, listCount)));
  let slice: P[] = [];
  let topics = 0;
  for (const partition of partitions) {
    const isNewTopic = partition.topic !== slice.at(-1)?.topic;
    if (isNewTopic && (topics >= topicsMax || slice.length >= partitionsOfSlice)) {
      yield slice;
      slice = [];
      topics = 0;
    }
    if (isNewTopic) topics += 1;
    slice.push(partition);
  }
  if (slice.length > 0) yield slice;
}
