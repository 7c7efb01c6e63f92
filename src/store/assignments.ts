// Port: the assignment, desired partition → agent. It is advice: leases decide. The coordinator's writes are fenced by its
// epoch, an operator's compare the partition's; every write that changes something raises the group's generation.
import type { DepartedAgent, Move, MoveReason, PlannerAgent, PlannerPartition } from '../domain/planner.ts';
import type { Fence } from './segments.ts';

/** An agent with a live session. */
export interface LiveAgent extends Omit<PlannerAgent, 'isUnsettled'> {
  readonly sessionId: string;
  /** Since its session was registered, database clock. */
  readonly aliveForMs: number;
  /** How many sessions of it were reaped within `flapWindowMs` (domain/flapping.ts), database clock. */
  readonly crashes: number;
}

/** What operators asked of balancing, kept in the store. */
export interface RebalanceState {
  /** Maintenance: takeover works, balancing does not. Null: it is not paused. */
  readonly pausedSince: Date | null;
  /** An operator asked for a plan without pins, pause and threshold, and the coordinator has not written all of it yet. */
  readonly applyRequestedAt: Date | null;
}

export interface PlanningInput extends RebalanceState {
  /** The generation this was read at. */
  readonly generation: number;
  readonly agents: readonly LiveAgent[];
  /** Agents without a live session that are named by an assignment or as a home. */
  readonly departed: readonly DepartedAgent[];
  /** In topic, then partition order. A pin that is older than the last request to apply is none any more. */
  readonly partitions: readonly PlannerPartition[];
}

/** Why a partition is assigned to whom it is. */
export interface Assignment {
  readonly agentId: string;
  readonly reason: MoveReason;
  readonly assignedAt: Date;
  readonly home: string | null;
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
   * `applied`: with these moves all is written that an operator asked for at that moment (`PlanningInput.applyRequestedAt`); a
   * request that came later stays.
   */
  writeAssignment(
    fence: Fence,
    moves: readonly Move[],
    options?: { readonly applied?: Date | undefined },
  ): Promise<WriteAssignmentAnswer>;

  /**
   * So many moves were written: when they are many, the store finds out what has become of its tables, which takes a while. For after those who
   * wait for the moves have been told. Never fails.
   */
  assignmentRewritten(moves: number): Promise<void>;

  /** What operators asked of balancing, and the generation it was read at. */
  readRebalance(): Promise<RebalanceState & { readonly generation: number }>;

  /** Pauses or resumes balancing; raises the generation when that changes something. Pausing twice keeps the first moment. */
  setPaused(paused: boolean): Promise<RebalanceState>;

  /** Asks the coordinator for a plan without pins, pause and threshold. Raises the generation, which is answered. */
  requestApply(): Promise<{ readonly generation: number; readonly applyRequestedAt: Date }>;

  /** Null: nobody is wanted to lead it. Refuses: `not_found`. */
  getAssignment(topic: string, partition: number): Promise<Assignment | null>;

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
