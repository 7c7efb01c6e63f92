/**
 * The assignment planner: which agent should lead which partition. A plan is advice; leases decide (DESIGN.md
 * 6). It is a pure function of its input, in whatever order its lists come, so that two coordinators plan the
 * same.
 *
 * 1. What can stay stays: with the agent it is assigned to, else with the one that leads it now, if that is
 *    willing and does not hand everything over. What stays with a cordoned agent is out of the game.
 * 2. Agents with too much give up as little as balance needs (planner/quota.ts, planner/greedy.ts), from the
 *    topics of which they have the most (planner/surplus.ts), and nothing that an operator gave them.
 * 3. What is vacant goes to the least loaded for its weight, spread per topic (planner/vacancies.ts).
 *
 * Balance by weight, where the same agents are willing to lead the same topics: at the end everyone has its
 * exact share, rounded down or up. With equal weights a join then moves at most ⌈P / N⌉ of P partitions over N
 * agents, a leave only the leaver's, and a new topic only its own. With unequal weights a leave or a new topic
 * moves others only as far as someone would be left outside of its rounded share. All of it holds when the
 * assignment was balanced before and nobody has more from an operator than its share. Planning again after a plan changes nothing: partitions move for balance,
 * never only to spread a topic.
 */
import { balanceGreedily } from './planner/greedy.ts';
import type { PlannerInput } from './planner/input.ts';
import { readMembers, type Member } from './planner/members.ts';
import { describePlan, type Plan } from './planner/moves.ts';
import { balanceExactly, pinsFit } from './planner/quota.ts';
import { Slices, sliceSizeDefault } from './planner/slices.ts';
import { fill, isPinned, readTopics, type TopicSlots } from './planner/slots.ts';
import { groupByWillingness } from './planner/willingness.ts';

export type {
  DepartedAgent,
  PlacementPolicy,
  PlannerAgent,
  PlannerInput,
  PlannerPartition,
} from './planner/input.ts';
export { unbounded } from './planner/input.ts';
export type { Move, MoveReason, Plan } from './planner/moves.ts';
export { moveReasons } from './planner/moves.ts';

export interface PlannerOptions {
  /**
   * Units of work between two yields, one unit being about one look at one partition. Default: a few
   * milliseconds' worth.
   */
  readonly sliceSize?: number;
}

/**
 * Plans in slices: run it on, giving the event loop a turn at each yield, until it returns the plan. The input
 * must not change meanwhile. Throws RangeError for an agent or a partition listed twice and for a weight out of
 * range.
 */
export function* planAssignment(input: PlannerInput, options: PlannerOptions = {}): Generator<void, Plan> {
  const slices = new Slices(options.sliceSize ?? sliceSizeDefault);
  const members = readMembers(input.agents);
  const byId = new Map(members.map((member) => [member.agentId, member]));
  const topics = yield* readTopics(input.partitions, slices);
  const groups = yield* groupByWillingness(members, topics, slices);

  yield* keepInPlace(topics, byId, slices);
  for (const group of groups) {
    const [first, ...others] = group;
    if (first !== undefined && others.length === 0 && pinsFit(first)) yield* balanceExactly(first, slices);
    else yield* balanceGreedily(group, slices);
  }

  const previousAgents = input.previousAgents && new Set(input.previousAgents);
  const present = new Map(input.agents.map((agent) => [agent.agentId, agent]));
  return yield* describePlan(topics, { present, previousAgents }, slices);
}

/** Plans in one go: for tests, tools and small clusters. */
export function plan(input: PlannerInput): Plan {
  const planning = planAssignment(input);
  for (;;) {
    const step = planning.next();
    if (step.done) return step.value;
  }
}

/** Leaves vacant what has no agent that could keep it. */
function* keepInPlace(
  topics: readonly TopicSlots[],
  byId: ReadonlyMap<string, Member>,
  slices: Slices,
): Generator<void, void> {
  for (const topic of topics) {
    for (const slot of topic.slots) {
      // The assigned agent before the holder: a handoff under way must not be taken back while the old one
      // still leads.
      const assigned = willingMember(slot.input.assignedTo, topic, byId);
      slot.mayStay = assigned !== undefined;
      const keeper = assigned ?? willingMember(slot.input.holder, topic, byId);
      if (keeper !== undefined) fill(slot, keeper);
      if (keeper !== undefined && isPinned(slot)) keeper.pinned += 1;
      if (slices.full()) yield;
    }
  }
}

function willingMember(
  agentId: string | null,
  topic: TopicSlots,
  byId: ReadonlyMap<string, Member>,
): Member | undefined {
  const member = agentId === null ? undefined : byId.get(agentId);
  return member !== undefined && topic.willing.has(member.profile) ? member : undefined;
}
