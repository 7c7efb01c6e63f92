// Port: the metadata store of one agent group. One interface, two backends, one contract suite.
import type { AssignmentStore } from './assignments.ts';
import type { ConsumerGroupStore } from './consumer-groups.ts';
import type { LeaseStore } from './leases.ts';
import type { SegmentStore } from './segments.ts';
import type { SessionStore } from './sessions.ts';
import type { TopicStore } from './topics.ts';

/** The history of the database that epochs belong to. */
export interface Era {
  readonly number: number;
  readonly since: Date;
  /** For so long after it was opened, leases are granted only to agents that trusted them when they heard of it; milliseconds. */
  readonly quarantineMs: number;
  /** What is left of that, by the database's clock when it was read; 0 when anybody may be granted leases. */
  readonly quarantineRestMs: number;
}

/** A pool of connections to the store, at this moment. */
export interface PoolUse {
  readonly pool: string;
  /** In use, or being made. */
  readonly busy: number;
  readonly idle: number;
  /** Operations that wait for a connection. */
  readonly waiting: number;
  readonly max: number;
}

/**
 * Every operation may fail with `StoreUnavailable` (retry with the same arguments) or `StoreMisconfigured` (a person must
 * act) beside the refusals it names. Operations are whole: no transaction leaks out.
 */
export interface MetadataStore
  extends
    TopicStore,
    SegmentStore,
    ConsumerGroupStore,
    SessionStore,
    LeaseStore,
    AssignmentStore,
    AsyncDisposable {
  readonly backend: 'postgres' | 'sqlite';
  /** None where there is nothing to share. */
  readonly pools: readonly PoolUse[];
  currentEra(): Promise<Era>;
  /** Resolves when the store answers a trivial read. */
  ping(): Promise<void>;
}
