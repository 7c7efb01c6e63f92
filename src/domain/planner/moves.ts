/** What the planner answers: the changes against the current assignment, each with its reason. */
import type { PlannerAgent } from './input.ts';
import type { Slices } from './slices.ts';
import type { Slot, TopicSlots } from './slots.ts';

/**
 * Why a partition moves: it had no agent (`new_partition`), its agent is gone or going (`agent_left`), crashed
 * (`agent_crashed`), drains (`drain`), has lost its broker (`broker_down`) or does not list the topic (`not_willing`); its agent is there and willing, but has too much, and the receiver was not in the
 * previous plan (`agent_joined`) or was (`balance`); the receiver is the one that is preferred (`prefer`). `operator`: a person moved it; the planner itself never says so.
 */
export type MoveReason = (typeof moveReasons)[number];
export const moveReasons = [
  'new_partition',
  'agent_left',
  'agent_crashed',
  'drain',
  'broker_down',
  'agent_joined',
  'balance',
  'prefer',
  'not_willing',
  'operator',
] as const;

export interface Move {
  readonly topic: string;
  readonly partition: number;
  /** The agent the current assignment names, which need not be the one that leads it now. */
  readonly from: string | null;
  /** Null when nobody would take it. */
  readonly to: string | null;
  readonly reason: MoveReason;
  /** What is to be remembered as the partition's home (`PlannerPartition.home`). Default: null. */
  readonly home?: string | null;
}

export interface Plan {
  /** Changes only, by topic and partition. */
  readonly moves: readonly Move[];
  /** Number of partitions that no agent would take, moved or not. */
  readonly unassignable: number;
  /** Number of moves that the plan wants and that wait for others to be done (`PlacementPolicy.movesMax`). */
  readonly deferred: number;
}

/** What the reasons depend on beyond the slots. */
export interface Membership {
  /** By agent id. */
  readonly present: ReadonlyMap<string, PlannerAgent>;
  /** Ids of the agents of the previous plan; undefined when not known, and then nobody counts as joined. */
  readonly previousAgents: ReadonlySet<string> | undefined;
}

export function* describePlan(
  topics: readonly TopicSlots[],
  membership: Membership,
  slices: Slices,
): Generator<void, Plan> {
  const moves: Move[] = [];
  let unassignable = 0;
  for (const topic of topics) {
    for (const slot of topic.slots) {
      const { partition, assignedTo: from } = slot.input;
      const to = slot.member?.agentId ?? null;
      if (to === null) unassignable += 1;
      if (to !== from) {
        moves.push({ topic: topic.name, partition, from, to, reason: reasonOf(slot, membership) });
      }
      if (slices.full()) yield;
    }
  }
  return { moves, unassignable, deferred: 0 };
}

function reasonOf(slot: Slot, { present, previousAgents }: Membership): MoveReason {
  const { assignedTo } = slot.input;
  if (assignedTo === null) return 'new_partition';
  const agent = present.get(assignedTo);
  if (agent === undefined) return 'agent_left';
  if (agent.takes === 'nothing') return agent.leaving ?? 'agent_left';
  if (!slot.mayStay || slot.member === null) return 'not_willing';
  return previousAgents?.has(slot.member.agentId) === false ? 'agent_joined' : 'balance';
}
