/**
 * What the planner is told. Names, not row types: the planner knows neither the store nor who is alive, its
 * caller lists only agents that live.
 */
import type { LeavingReason, Takes } from '../agent-state.ts';

/** An agent that is alive. */
export interface PlannerAgent {
  readonly agentId: string;
  /**
   * Relative capacity: an agent of weight 2 gets twice what one of weight 1 gets. From 0.001 to 1,000,000, read
   * to a thousandth.
   */
  readonly weight: number;
  /** Its failure domain, in the operator's words. */
  readonly zone: string;
  /** Patterns of the topics this agent is willing to lead (see topic-pattern.ts); empty means every topic. */
  readonly managedTopics: readonly string[];
  /** What it may be given. `own`: what it has stays, outside of the balance of the others. */
  readonly takes: Takes;
  /** Why it takes nothing, for the reasons of its moves. Default: `agent_left`. */
  readonly leaving?: LeavingReason;
  /** It has crashed again and again and is back since a moment: it gets something only where nobody else would take it. */
  readonly isUnsettled?: boolean;
}

export interface PlannerPartition {
  readonly topic: string;
  /** Number of the partition within its topic. */
  readonly partition: number;
  /** The agent the current assignment names; null when it has never been planned or nobody was willing. */
  readonly assignedTo: string | null;
  /** The agent whose session holds the lease now; null when the lease is free. */
  readonly holder: string | null;
  /** An operator put it where it is assigned: balance leaves it there as long as that agent can keep it. */
  readonly pinned: boolean;
  /** Agents that should lead it, best first, as far as they are there and willing. Default: nobody in particular. */
  readonly prefer?: readonly string[];
  /**
   * The agent that led it before it left (stopped, crashed, drained), while the partition has moved for nothing else since: where
   * it goes back to when that agent is back, as far as balance allows. Default: null.
   */
  readonly home?: string | null;
}

/** An agent that is gone and to which partitions are still assigned, or which is the home of some. */
export interface DepartedAgent {
  readonly agentId: string;
  readonly zone: string;
  /** Its last session did not end by its own word. */
  readonly hasCrashed: boolean;
}

/** How much a plan may move for other reasons than that somebody must lead. */
export interface PlacementPolicy {
  /** False while an operator paused: partitions move only away from where they cannot stay. */
  readonly balances: boolean;
  /** While every agent is within so many percent of its share, or within one partition, nothing moves for balance. */
  readonly thresholdPercent: number;
  /**
   * How many partitions may be on their way at a time, handoffs under way included. Never bounds what has nobody to lead it, and what
   * leaves an agent that stops, crashed or lost its broker.
   */
  readonly movesMax: number;
}

/** Everything moves at once and to exact shares. */
export const unbounded: PlacementPolicy = {
  balances: true,
  thresholdPercent: 0,
  movesMax: Number.POSITIVE_INFINITY,
};

export interface PlannerInput {
  /** In any order; two with one `agentId` are refused. */
  readonly agents: readonly PlannerAgent[];
  /** In any order, fastest when sorted by topic and partition; two of the same name and number are refused. */
  readonly partitions: readonly PlannerPartition[];
  /**
   * Ids of the agents that the previous plan was made for. Only the reasons depend on it: without it a move to
   * a newcomer reads `balance`.
   */
  readonly previousAgents?: readonly string[];
  /** Default: none known; then every agent that is gone has left in order, from a zone of its own. */
  readonly departed?: readonly DepartedAgent[];
  /** Default: `unbounded`. */
  readonly policy?: PlacementPolicy;
}
