// What the demo saw and did beside the records (records.ts), written down as it happened and judged at the end (checks.ts). All times
// are milliseconds of this process's monotonic clock: an answer is true of some moment between `sentMs` and `receivedMs`, nothing more
// is known.
import type { PartitionName } from './partition-name.ts';
import type { RecordEvidence, ZombieAppend } from './records.ts';

/** An agent said that it holds this partition and trusts itself. */
export interface Claim extends PartitionName {
  readonly epoch: number;
  readonly agentId: string;
  /** One run of one agent: `a`, and `a again` after its restart. */
  readonly holder: string;
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** A broker's term, in its own words: it wrote between the two moments and at no other. */
export interface BrokerTerm extends PartitionName {
  readonly epoch: number;
  /** The agent that the broker stands beside. */
  readonly agentId: string;
  readonly begunMs: number;
  /** Undefined: it still leads. */
  readonly end: TermEnd | undefined;
}

export interface TermEnd {
  readonly atMs: number;
  /** As the client names it: `released` is an acknowledgement, everything else is a loss. */
  readonly reason: string;
  /** When its agent asked for the partition. */
  readonly askedMs: number | undefined;
}

export interface Lease extends PartitionName {
  /** Null: nobody leads it. */
  readonly agentId: string | null;
  readonly epoch: number;
}

/** Partitions went from one agent to others: it went away, or an operator said so. */
export interface Passage {
  readonly agentId: string;
  readonly how: 'SIGKILL' | 'SIGTERM' | 'move';
  /** Those that were to go, as they were; nothing else may change. */
  readonly moved: readonly Lease[];
  /** Who is to lead them; undefined: any other. */
  readonly to?: string;
  /** All leases: just before, and once everything was led again. */
  readonly before: readonly Lease[];
  readonly after: readonly Lease[];
}

/** Everything the checks judge. */
export interface Evidence extends RecordEvidence {
  readonly claims: readonly Claim[];
  /** How often all live agents were asked what they hold. */
  readonly moments: number;
  readonly terms: readonly BrokerTerm[];
  readonly passages: readonly Passage[];
}

/** Written by sampler and story while they run. */
export class History {
  readonly claims: Claim[] = [];
  readonly passages: Passage[] = [];
  readonly zombies: ZombieAppend[] = [];
  readonly surprises: string[] = [];
  moments = 0;
}
