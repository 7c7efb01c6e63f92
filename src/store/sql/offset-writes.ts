// Port: the commit of offsets, which is each backend's own statements. Any number of commits go together, each whole or not at all.
import type { OffsetCommit } from '../consumer-groups.ts';

/** Of partitions that are each named once. */
export interface Commit {
  readonly consumerGroup: string;
  readonly commits: readonly OffsetCommit[];
}

/** A row of all the commits of a request: `place` is its own number, `request` that of its commit. */
export type CommitRow = {
  place: number;
  request: number;
  consumer_group: string;
  topic: string;
  partition: number;
  committed: number;
  metadata: string | null;
};

export const commitRowColumns = {
  place: 'integer',
  request: 'integer',
  consumer_group: 'text',
  topic: 'text',
  partition: 'integer',
  committed: 'bigint',
  metadata: 'text',
} as const;

/** What became of a row. */
export interface CommitState {
  readonly place: number;
  /** Null: there is no such partition. */
  readonly highWatermark: number | null;
  /** Null: not committed, since a row of its commit is refused, by its high watermark. */
  readonly committedAt: Date | null;
}

/** `hurry`: of what takes any time it is said that it is locked. */
export type Patience = 'wait' | 'hurry';

export interface OffsetWrites {
  /**
   * One transaction: commits what has no row that is refused, in the order of the rows (of rows for the same partition and consumer group
   * the last one stays), and makes their consumer groups. Answers each row. Fails, all of it, with ConstraintViolation
   * 'foreign_key' when a topic or a group was deleted meanwhile, in a hurry with LockedByAnother.
   */
  commit(group: string, rows: readonly CommitRow[], patience: Patience): Promise<readonly CommitState[]>;
}
