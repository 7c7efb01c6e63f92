/**
 * The assignment planner: which agent should lead which partition. A plan is advice; leases decide (DESIGN.md
 * 6). It is a pure function of its input, in whatever order its lists come, so that two coordinators plan the
 * same.
 *
 * 1. What can stay stays: with the agent it is assigned to, else with the one that leads it now, if that is
 *    willing and does not hand everything over. What stays with a cordoned or unsettled agent is out of the game. Before
 *    that, what has a preferred agent that can take it goes there, and what an operator moved stays
 *    (planner/keeping.ts): both count into that agent's load, and balance works around them.
 * 2. What once left an agent that is back goes home to it, as far as shares allow (planner/homes.ts).
 * 3. Agents with too much give up as little as balance needs (planner/quota.ts, planner/greedy.ts), from the
 *    topics of which they have the most (planner/surplus.ts).
 * 4. What is vacant goes to the least loaded for its weight (planner/turns.ts), and among those to the zone that it
 *    leaves, spread per topic over zones and agents (planner/vacancies.ts).
 * 5. What may wait is held back when too much is on its way (planner/throttle.ts), and why each moves is said
 *    (planner/moves.ts).
 *
 * Balance by weight, where the same agents are willing to lead the same topics: at the end everyone has its
 * exact share, rounded down or up; agents that operators gave more than that keep just that, and the others share
 * the rest. With equal weights a join then moves at most ⌈P / N⌉ of P partitions over N agents, beside what goes
 * home, a leave only the leaver's, and a new topic only its own. With unequal weights a leave or a new topic moves
 * others only as far as someone would be left outside of its rounded share. All of it holds when the assignment
 * was balanced before and nobody has more from an operator than its share. Planning again after a plan changes
 * nothing: partitions move for balance, wishes and homes, never only to spread a topic. What else holds, and when
 * it does not: README.md, "Assignment".
 */
import { balanceGreedily } from './planner/greedy.ts';
import { type PlannerInput, unbounded } from './planner/input.ts';
import { keepInPlace } from './planner/keeping.ts';
import { readMembers } from './planner/members.ts';
import { describePlan, type Plan } from './planner/moves.ts';
import type { Planning } from './planner/planning.ts';
import { balanceExactly } from './planner/quota.ts';
import { Slices, sliceSizeDefault } from './planner/slices.ts';
import { readTopics } from './planner/slots.ts';
import { groupByWillingness } from './planner/willingness.ts';
import { readZones } from './planner/zones.ts';

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
  const { departed = [] } = input;
  const zones = readZones(input.agents, departed);
  const members = readMembers(input.agents, zones);
  const planning: Planning = {
    slices,
    policy: input.policy ?? unbounded,
    present: new Map(input.agents.map((agent) => [agent.agentId, agent])),
    departed: new Map(departed.map((agent) => [agent.agentId, agent])),
    members: new Map(members.map((member) => [member.agentId, member])),
    zones,
    previousAgents: input.previousAgents && new Set(input.previousAgents),
    turns: 0,
  };
  const topics = yield* readTopics(input.partitions, slices);
  const groups = yield* groupByWillingness(members, topics, slices);

  yield* keepInPlace(topics, planning);
  for (const group of groups) {
    const [first, ...others] = group;
    if (first?.isSettled === true && others.length === 0) yield* balanceExactly(first, planning);
    else yield* balanceGreedily(group, planning);
  }
  return yield* describePlan(topics, planning);
}

/** Plans in one go: for tests, tools and small clusters. */
export function plan(input: PlannerInput): Plan {
  const planning = planAssignment(input);
  for (;;) {
    const step = planning.next();
    if (step.done) return step.value;
  }
}
