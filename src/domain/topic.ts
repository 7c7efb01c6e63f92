// Topics and their partitions.

export type JsonObject = { readonly [key: string]: unknown };

export interface NewTopic {
  readonly name: string;
  readonly partitionCount: number;
  /** How long segments are meant to be kept; null: for ever. Agents never prune by themselves. */
  readonly retentionMs: number | null;
  readonly config: JsonObject;
}

export interface Topic extends NewTopic {
  readonly createdAt: Date;
}

export interface Partition {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to be written; never decreases. */
  readonly highWatermark: number;
  /** The first offset that retention has left; only `deleteSegmentsBefore` moves it. */
  readonly startOffset: number;
}
