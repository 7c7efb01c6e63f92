// Port: consumer groups and their committed offsets. A committed offset is the *next* offset to read.
import type { Page, PageRequest } from './page.ts';

export interface OffsetCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string | null;
}

export interface CommittedOffset extends OffsetCommit {
  readonly consumerGroup: string;
  readonly committedAt: Date;
}

export interface ConsumerGroup {
  readonly consumerGroup: string;
  readonly createdAt: Date;
}

export interface ConsumerGroupStore {
  /** Creates the group when it is unknown; true when this call created it. */
  ensureConsumerGroup(consumerGroup: string): Promise<boolean>;

  getConsumerGroup(consumerGroup: string): Promise<ConsumerGroup | undefined>;

  listConsumerGroups(page: PageRequest): Promise<Page<ConsumerGroup>>;

  /**
   * Commits all or none; an unknown group is created. An offset may go back (a reset), not beyond the high watermark.
   * When a partition is named twice the last counts. Refuses: `not_found` (topic or partition), `conflict` with the high watermark.
   */
  commitOffsets(consumerGroup: string, commits: readonly OffsetCommit[]): Promise<readonly CommittedOffset[]>;

  getCommittedOffset(
    consumerGroup: string,
    topic: string,
    partition: number,
  ): Promise<CommittedOffset | undefined>;

  /** In topic, then partition order. Refuses: `not_found` (group). */
  listCommittedOffsets(consumerGroup: string, page: PageRequest): Promise<Page<CommittedOffset>>;

  /** Deletes the group and its offsets. Refuses: `not_found`. */
  deleteConsumerGroup(consumerGroup: string): Promise<void>;
}
