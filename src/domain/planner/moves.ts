/** What the planner answers: the changes against the current assignment, each with its reason. */
import type { Planning } from './planning.ts';
import type { Slot, TopicSlots } from './slots.ts';
import { holdBack } from './throttle.ts';

/**
 * Why a partition moves: it had no agent (`new_partition`), its agent is gone or going (`agent_left`), crashed
 * (`agent_crashed`), drains (`drain`), has lost its broker (`broker_down`) or does not list the topic (`not_willing`). Or its
 * agent is there and willing, and the receiver is preferred (`prefer`), was not in the previous plan (`agent_joined`) or was
 * (`balance`). `operator`: a person moved it; the planner itself never says so.
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

export function* describePlan(topics: readonly TopicSlots[], planning: Planning): Generator<void, Plan> {
  const held = yield* holdBack(topics, planning);
  const moves: Move[] = [];
  let unassignable = 0;
  for (const topic of topics) {
    for (const slot of topic.slots) {
      const { partition, assignedTo: from } = slot.input;
      const to = slot.member?.agentId ?? null;
      if (to === null) unassignable += 1;
      if (to !== from && !held.has(slot)) {
        const reason = reasonOf(slot, planning);
        moves.push({ topic: topic.name, partition, from, to, reason, home: homeAfter(slot, reason) });
      }
      if (planning.slices.full()) yield;
    }
  }
  return { moves, unassignable, deferred: held.size };
}

function reasonOf(slot: Slot, { present, departed, previousAgents }: Planning): MoveReason {
  const { assignedTo } = slot.input;
  if (assignedTo === null) return 'new_partition';
  const agent = present.get(assignedTo);
  if (agent === undefined)
    return departed.get(assignedTo)?.hasCrashed === true ? 'agent_crashed' : 'agent_left';
  if (agent.takes === 'nothing') return agent.leaving ?? 'agent_left';
  if (!slot.mayStay || slot.member === null) return 'not_willing';
  // What is pinned and moves all the same is where it is preferred.
  if (slot.isPinned) return 'prefer';
  return previousAgents?.has(slot.member.agentId) === false ? 'agent_joined' : 'balance';
}

const homeless: ReadonlySet<MoveReason> = new Set(['agent_left', 'agent_crashed', 'drain', 'broker_down']);

/** What left its agent remembers the first one it left; all else is where it belongs. */
function homeAfter(slot: Slot, reason: MoveReason): string | null {
  if (!homeless.has(reason)) return null;
  const home = slot.input.home ?? slot.input.assignedTo;
  return home === slot.member?.agentId ? null : home;
}
