// The fence: the check, in a write's own transaction, that its writer holds the lease at the epoch it names.
import { type SQL, sql } from 'drizzle-orm';
import type { NewSegment, Segment } from '../../domain/segment.ts';
import type { Partition } from '../../domain/topic.ts';
import type { Fence } from '../segments.ts';
import type { Dialect } from './dialect.ts';
import { inHistory } from './era.ts';

/** A write to one partition under a term. */
export interface FencedTarget {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly fence: Fence;
}

/** Segments that continue one another, to be appended to a partition. */
export interface FencedAppend {
  readonly target: FencedTarget;
  readonly segments: readonly NewSegment[];
}

/**
 * The writes that the fence guards, each in one transaction in which the lease's row is held at its epoch until the
 * commit. They answer undefined when the fence or the compare-and-set refused, having changed nothing; the reason is then
 * read in a later statement.
 */
export interface FencedWrites {
  /** Requires `high_watermark = segments[0].baseOffset`. Fails with ConstraintViolation 'unique' for a known segment id. */
  append(target: FencedTarget, segments: readonly NewSegment[]): Promise<readonly Segment[] | undefined>;
  /**
   * As `append` for each, in one transaction; no partition may be named twice. Waits for no lock: undefined also where somebody else has
   * the lease or the partition locked.
   */
  appendTogether(appends: readonly FencedAppend[]): Promise<readonly (readonly Segment[] | undefined)[]>;
  /** Requires `high_watermark ≤ offset`. */
  advance(target: FencedTarget, offset: number): Promise<Partition | undefined>;
}

export type FenceParameters = {
  group: string;
  topic: string;
  partition: number;
  epoch: number;
  sessionId: string;
};

export function fenceParameters({ group, topic, partition, fence }: FencedTarget): FenceParameters {
  return { group, topic, partition, epoch: fence.epoch, sessionId: fence.sessionId };
}

/**
 * The lease's row, while its epoch is the given one and the given session holds it and lives. Never where the store's data are not of
 * the era's history: there a holder may be named that has lost the lease in what was lost.
 */
export function leaseUnderFence(d: Dialect): SQL {
  return sql`select l.epoch from ${d.table('leases')} l
    where l.group_name = ${d.parameter('group', 'text')} and l.kind = 'partition' and l.name = ${d.parameter('topic', 'text')}
      and l.partition = ${d.parameter('partition', 'integer')} and l.epoch = ${d.parameter('epoch', 'bigint')}
      and l.session_id = ${d.parameter('sessionId', 'uuid')}
      and ${inHistory(d)}
      and exists (select 1 from ${d.table('sessions')} s
        where s.session_id = ${d.parameter('sessionId', 'uuid')} and s.ended_at is null)`;
}
