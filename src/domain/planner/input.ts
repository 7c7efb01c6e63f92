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
  /** Patterns of the topics this agent is willing to lead (see topic-pattern.ts); empty means every topic. */
  readonly managedTopics: readonly string[];
  /** What it may be given. `own`: what it has stays, outside of the balance of the others. */
  readonly takes: Takes;
  /** Why it takes nothing, for the reasons of its moves. Default: `agent_left`. */
  readonly leaving?: LeavingReason;
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
}

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
}
