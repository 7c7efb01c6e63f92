// Port: the assignment, desired partition → agent. It is advice: leases decide. The coordinator's writes are fenced by its
// epoch, an operator's compare the partition's; every write that changes something raises the group's generation.
import type { Move, PlannerAgent, PlannerPartition } from '../domain/planner.ts';
import type { Fence } from './segments.ts';

export interface PlanningInput {
  /** The generation this was read at. */
  readonly generation: number;
  /** Agents with a live session. */
  readonly agents: readonly PlannerAgent[];
  /** In topic, then partition order. */
  readonly partitions: readonly PlannerPartition[];
}

export type WriteAssignmentAnswer =
  | { readonly outcome: 'written'; readonly generation: number }
  /** The writer is coordinator no longer. */
  | { readonly outcome: 'fenced' };

export interface AssignedPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Where the plan wants a partition; null: with nobody. */
export interface PartitionTarget extends AssignedPartition {
  readonly agentId: string | null;
}

export interface OperatorMove {
  /** The group's generation after it. */
  readonly generation: number;
  /** The agent that should lead it from now on. */
  readonly to: string;
  /** The partition's lease as it was compared: who leads it until then, null when nobody does. */
  readonly holder: string | null;
  readonly epoch: number;
}

export interface AssignmentStore {
  readPlanningInput(): Promise<PlanningInput>;

  /**
   * Writes moves in one transaction under the coordinator's term. Skipped are moves of partitions that are gone, and of those that are
   * no longer assigned to the agent that the move names as `from`: an operator moved them since the plan's input was read.
   */
  writeAssignment(fence: Fence, moves: readonly Move[]): Promise<WriteAssignmentAnswer>;

  /**
   * An operator moves a partition: to an agent, or with null to the least loaded for its weight that can take it and is not where it is
   * now. The planner leaves it there as long as that agent takes it. Moving it again to the same agent changes nothing. Refuses:
   * `not_found` (partition, agent); `fenced` (the lease's epoch is not `expectedEpoch`; `currentEpoch` tells which); `conflict` (the
   * agent has no live session, does not list the topic or takes nothing now; with null: nobody can take it).
   */
  assign(
    topic: string,
    partition: number,
    to: string | null,
    expectedEpoch: number | null,
  ): Promise<OperatorMove>;

  /** Where the plan wants these partitions, in the order asked; null for one that there is not. */
  readTargets(keys: readonly AssignedPartition[]): Promise<readonly PartitionTarget[]>;

  /** The group's generation: raised by every write that changes the assignment, and by every change that it has to follow. */
  assignmentGeneration(): Promise<number>;

  /** What the plan wants this agent to lead, in topic, then partition order, and the generation it was read at. */
  readAssignment(
    agentId: string,
  ): Promise<{ readonly generation: number; readonly partitions: readonly AssignedPartition[] }>;
}
