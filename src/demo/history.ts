// What the demo saw and did, written down as it happened and judged at the end (checks.ts). All times are milliseconds of this
// process's monotonic clock: an answer is true of some moment between `sentMs` and `receivedMs`, nothing more is known.
import type { NewSegment } from '../domain/segment.ts';

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

/** A segment with the place and the term it is written to. */
export interface PlacedSegment extends PartitionName, NewSegment {
  readonly epoch: number;
}

/** A segment that an agent said is stored. */
export interface Acknowledgement {
  readonly segment: PlacedSegment;
  readonly holder: string;
  /** When it was sent first: an answer to a repeated request may speak of what the first one did. */
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** An agent said that it holds this partition and trusts itself. */
export interface Claim extends PartitionName {
  readonly epoch: number;
  /** One run of one agent: `a`, and `a again` after its restart. */
  readonly holder: string;
  readonly sentMs: number;
  readonly receivedMs: number;
  /** Up to here the broker beside that agent may use the lease: counted from when the question was sent. */
  readonly untilMs: number;
}

export interface Lease extends PartitionName {
  /** Null: nobody leads it. */
  readonly agentId: string | null;
  readonly epoch: number;
}

/** One agent went away; who led what just before, and once everything was led again. */
export interface Departure {
  readonly agentId: string;
  readonly holder: string;
  readonly how: 'SIGKILL' | 'SIGTERM';
  readonly before: readonly Lease[];
  readonly after: readonly Lease[];
}

/** A write under an epoch that is over, through a live agent. */
export interface ZombieWrite {
  readonly segment: PlacedSegment;
  readonly through: string;
  readonly status: number;
  readonly code: string | undefined;
  /** The current epoch as the refusal told it, and as the lease said just before and just after. */
  readonly toldEpoch: number | undefined;
  readonly epochBefore: number;
  readonly epochAfter: number;
}

export interface StoredPartition extends PartitionName {
  readonly highWatermark: number;
  /** In the order of offsets. */
  readonly segments: readonly PlacedSegment[];
}

/** Everything the checks judge. */
export interface Evidence {
  readonly partitions: readonly PartitionName[];
  readonly sent: readonly PlacedSegment[];
  readonly acknowledged: readonly Acknowledgement[];
  readonly claims: readonly Claim[];
  /** How often all live agents were asked what they hold. */
  readonly moments: number;
  readonly departures: readonly Departure[];
  readonly zombies: readonly ZombieWrite[];
  readonly stored: readonly StoredPartition[];
  /** Answers that no lawful course of events explains. */
  readonly surprises: readonly string[];
}

/** Written by brokers, sampler and story while they run. */
export class History {
  readonly sent: PlacedSegment[] = [];
  readonly acknowledged: Acknowledgement[] = [];
  readonly claims: Claim[] = [];
  readonly departures: Departure[] = [];
  readonly zombies: ZombieWrite[] = [];
  readonly surprises: string[] = [];
  moments = 0;
  /** Writes that the fence refused while a broker did not know yet that its lease was gone. */
  fenced = 0;
  /** Requests without an answer, each sent again under the same id while the lease lasted. */
  unknown = 0;

  /** What was recorded, beside what there was to record and what was read back. */
  evidence(partitions: readonly PartitionName[], stored: readonly StoredPartition[]): Evidence {
    const { sent, acknowledged, claims, moments, departures, zombies, surprises } = this;
    return { partitions, sent, acknowledged, claims, moments, departures, zombies, stored, surprises };
  }
}

export function partitionText({ topic, partition }: PartitionName): string {
  return `${topic}/${partition}`;
}

export function byPartition<T extends PartitionName>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const text = partitionText(item);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [item]);
    else group.push(item);
  }
  return groups;
}
