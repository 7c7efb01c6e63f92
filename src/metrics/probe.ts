// What is only known at the moment of a scrape.
import type { PoolUse } from '../store/metadata-store.ts';
import type { BrokerState } from './table/agent.ts';

export interface Probe {
  readonly group: string;
  /** Each state an agent can be in, and whether it is in it. */
  agentStates(): Readonly<Record<string, boolean>>;
  brokerState(): BrokerState;
  leasesHeld(): number;
  /** Partitions that the broker is asked for and has not given up yet. */
  leaseHandoffs(): number;
  /** By a term that it trusts. */
  isCoordinator(): boolean;
  trustedForMs(): number;
  signalsConnected(): boolean;
  /** Whether others see by a lock that this agent lives. */
  crashDetectionActive(): boolean;
  /** Pools of connections to the store; none on SQLite, and before it is open. */
  storePools(): readonly PoolUse[];
  /** Partition leases held and trusted, in key order; undefined: they are not to be shown one by one. */
  leases(): readonly LeaseTerm[] | undefined;
  /** What the coordinator's last plan says; undefined unless this agent is the coordinator and has planned. Reads no store. */
  plan(): Promise<PlanFigures | undefined>;
  /** Counted in the store; undefined unless this agent is the coordinator. May reject or take long: the scrape goes on without. */
  counts(): Promise<GroupCounts | undefined>;
}

export interface LeaseTerm {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
}

/** The group as the coordinator planned for it last. */
export interface PlanFigures {
  readonly generation: number;
  readonly isPaused: boolean;
  /** Moves that are wanted and held back for now. */
  readonly waiting: number;
  /** The live agents. */
  readonly agents: readonly {
    readonly agentId: string;
    /** Partitions assigned to it. */
    readonly partitions: number;
    /** What is its by weight; undefined while it takes nothing new. */
    readonly share: number | undefined;
  }[];
}

/** Of the whole group, by state. */
export interface GroupCounts {
  readonly agents: Readonly<Record<string, number>>;
  readonly partitions: Readonly<Record<string, number>>;
  /** Partitions that are led by another agent than the one they are assigned to. */
  readonly movesUnderWay: number;
}
