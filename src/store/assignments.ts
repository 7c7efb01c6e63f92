// Port: the assignment, desired partition → agent. It is advice: leases decide. Its writes are fenced by the
// coordinator's epoch; every write that changes something raises the group's generation.
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

export interface AssignmentStore {
  readPlanningInput(): Promise<PlanningInput>;

  /** Writes moves in one transaction under the coordinator's term. Moves of partitions that are gone are skipped. */
  writeAssignment(fence: Fence, moves: readonly Move[]): Promise<WriteAssignmentAnswer>;

  /** The group's generation: raised by every write of the assignment, and by every change of topics that it has to follow. */
  assignmentGeneration(): Promise<number>;

  /** What the plan wants this agent to lead, in topic, then partition order, and the generation it was read at. */
  readAssignment(
    agentId: string,
  ): Promise<{ readonly generation: number; readonly partitions: readonly AssignedPartition[] }>;
}
