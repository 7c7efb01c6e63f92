// What producers sent and were told, and what consumers read back: written down as it happened, judged at the end (checks/records.ts).
import type { PartitionName } from './partition-name.ts';

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

/** As the store has it. */
export interface ReadSegment {
  readonly id: string;
  /** The term that the store says wrote it. */
  readonly epoch: number;
  readonly key: string;
  readonly baseOffset: number;
  readonly endOffset: number;
}

/** A partition as the store has it: what there is to read, not yet what is in it. */
export interface StoredPartition extends PartitionName {
  readonly highWatermark: number;
  /** In the order of offsets. */
  readonly segments: readonly ReadSegment[];
}

export interface ReadPartition extends StoredPartition {
  /** As they came, in the order of reading. */
  readonly records: readonly ReadRecord[];
}

/** An append under an epoch that was over, sent to an agent straight. */
export interface ZombieAppend extends PartitionName {
  readonly id: string;
  readonly epoch: number;
  /** The agent that was asked. */
  readonly through: string;
  readonly status: number;
  readonly code: string | undefined;
  /** The current epoch as the refusal told it, and as the lease said just before and just after. */
  readonly toldEpoch: number | undefined;
  readonly epochBefore: number;
  readonly epochAfter: number;
}

export interface RecordEvidence {
  readonly partitions: readonly PartitionName[];
  readonly sent: readonly SentBatch[];
  readonly acknowledged: readonly AcknowledgedBatch[];
  readonly read: readonly ReadPartition[];
  readonly zombies: readonly ZombieAppend[];
  /** Answers that no lawful course of events explains. */
  readonly surprises: readonly string[];
}
