// What producers sent and were told, and what consumers read back: written down as it happened, judged at the end (checks/records.ts).
import type { PartitionName } from './history.ts';

/** A record names its producer and its place in what that producer sent to one partition. */
export interface ProducedRecord {
  readonly producer: string;
  readonly seq: number;
}

export interface SentBatch extends PartitionName {
  readonly id: string;
  readonly records: readonly ProducedRecord[];
}

/** A producer was told that its batch is stored, and where. */
export interface AcknowledgedBatch {
  readonly batch: SentBatch;
  readonly baseOffset: number;
  readonly endOffset: number;
}

export interface ReadRecord {
  readonly offset: number;
  readonly record: ProducedRecord;
}

export interface ReadSegment {
  /** The term that the store says wrote it. */
  readonly epoch: number;
  readonly key: string;
  readonly baseOffset: number;
}

export interface ReadPartition extends PartitionName {
  /** As they came, in the order of reading. */
  readonly records: readonly ReadRecord[];
  readonly segments: readonly ReadSegment[];
}

/** An append under an epoch that was over, sent to an agent straight. */
export interface ZombieAppend extends PartitionName {
  readonly epoch: number;
  readonly currentEpoch: number;
  readonly status: number;
  readonly code: string | undefined;
}

export interface RecordEvidence {
  readonly partitions: readonly PartitionName[];
  readonly sent: readonly SentBatch[];
  readonly acknowledged: readonly AcknowledgedBatch[];
  readonly read: readonly ReadPartition[];
  readonly zombies: readonly ZombieAppend[];
}
