// Port: leases. A lease has no expiry of its own; it lives while the session it names does. Set-based throughout: one
// call for one lease or ten thousand, each with its own outcome.
import { sessionEndReasons } from '../domain/session.ts';
import type { LeaseKey, Term } from '../domain/lease.ts';
import type { Page, PageRequest } from './page.ts';

export type AcquireOutcome =
  /** A new term, with a higher epoch than all before; `highWatermark` was read after the grant (partitions only). */
  | {
      readonly outcome: 'granted';
      readonly key: LeaseKey;
      readonly epoch: number;
      readonly highWatermark: number | null;
      /** When the holder before was last heard of, database clock, if its session was reaped: for the failover metric. */
      readonly takenOver: TakenOver | null;
    }
  /** This session holds it already, from an earlier attempt: the same term. */
  | {
      readonly outcome: 'already_held';
      readonly key: LeaseKey;
      readonly epoch: number;
      readonly highWatermark: number | null;
    }
  | { readonly outcome: 'held'; readonly key: LeaseKey; readonly epoch: number; readonly holder: string }
  /** Free, but another transaction has its row locked: ask again soon. */
  | { readonly outcome: 'busy'; readonly key: LeaseKey }
  /** Free, but for so long, milliseconds, only those may have it who trusted it when the era was opened. */
  | { readonly outcome: 'quarantined'; readonly key: LeaseKey; readonly forMs: number }
  /** No such partition. */
  | { readonly outcome: 'unknown'; readonly key: LeaseKey };

/** What an agent trusted when it heard that an era was opened, and may have back while others wait. In any later era it says nothing. */
export interface Reclaim {
  readonly era: number;
  has(key: LeaseKey): boolean;
}

export interface AcquireAnswer {
  readonly outcomes: readonly AcquireOutcome[];
  /** The session's holdings version after this call, or undefined when it changed nothing. */
  readonly holdingsVersion: number | undefined;
}

export type ReleaseOutcome =
  /** Vacant at this epoch: by this call or an earlier attempt. */
  | { readonly outcome: 'released'; readonly term: Term }
  /** The term was over already. */
  | { readonly outcome: 'superseded'; readonly term: Term; readonly currentEpoch: number };

export interface ReleaseAnswer {
  readonly outcomes: readonly ReleaseOutcome[];
  readonly holdingsVersion: number | undefined;
}

/** A term as its holder reads it anew. */
export interface HeldLease extends Term {
  /** The end of the log when it was read: while we hold the lease nobody else moves it. Null for roles. */
  readonly highWatermark: number | null;
  /** An operator asked for this very term to be given up. */
  readonly releaseRequested: boolean;
}

export type RequestReleaseAnswer =
  /** The holder reads it with its next heartbeat, whose holdings version has risen. */
  | { readonly outcome: 'asked'; readonly agentId: string; readonly epoch: number }
  /** Nobody holds it. */
  | { readonly outcome: 'vacant'; readonly epoch: number };

/** Whose term a grant follows, where nobody gave it up. */
export interface TakenOver {
  readonly agentId: string;
  /** From its last heartbeat to the grant, database clock. */
  readonly silentMs: number;
  readonly cause: TakeoverCause;
}

/** `crashed`: its session was ended before its time was over, because its process was seen to have died; `reaped`: after it. */
export const takeoverCauses = ['reaped', 'crashed'] as const;
export type TakeoverCause = (typeof takeoverCauses)[number];

/** A lease as clients see it; `agentId` is null when it is free. */
export interface LeaseView {
  readonly key: LeaseKey;
  readonly agentId: string | null;
  readonly address: string | null;
  readonly epoch: number;
  readonly acquiredAt: Date | null;
  /** Database time left of the holder's session. */
  readonly expiresInMs: number | null;
}

export interface LeaseFilter {
  readonly topic?: string | undefined;
  readonly agentId?: string | undefined;
  readonly unleased?: boolean | undefined;
}

/**
 * What ended a term: its release, its session's end, the topic's deletion. `crashed`: a session that was reaped before its time was over, which is
 * known as long as the session is. `stuck`: a coordinator's, whose work made no progress.
 */
export const termEndReasons = [
  'released',
  ...sessionEndReasons,
  'crashed',
  'stuck',
  'topic_deleted',
] as const;
export type TermEndReason = (typeof termEndReasons)[number];

export interface TermRecord {
  readonly epoch: number;
  readonly agentId: string;
  readonly from: Date;
  readonly to: Date | null;
  readonly reason: TermEndReason | null;
}

/** A coordinator's term as an observer saw it, and how far its session said that its work had got. */
export interface StuckCoordinator {
  readonly sessionId: string;
  readonly epoch: number;
  readonly progress: number;
}

export interface PartitionCounts {
  readonly topics: number;
  readonly total: number;
  readonly led: number;
  /** Assigned to an agent that does not lead them, whether or not another does. */
  readonly moving: number;
}

export interface LeaseStore {
  /**
   * Takes every lease of `keys` that is free: vacant, or its session ended or unknown. Needs no clock. A role's lease is
   * made at its first acquire. Never waits for a locked row. Keys must be distinct. In the quarantine of a new era it takes only what is
   * reclaimed. Refuses: `session_lost`.
   */
  acquireLeases(sessionId: string, keys: readonly LeaseKey[], reclaim?: Reclaim): Promise<AcquireAnswer>;

  /** Gives up these terms; the epochs stay. Waits for a write in flight under the lease, within the statement's time-out. */
  releaseLeases(sessionId: string, terms: readonly Term[], reason: TermEndReason): Promise<ReleaseAnswer>;

  /** Everything the session holds, with the holdings version it was read at. */
  heldLeases(
    sessionId: string,
  ): Promise<{ readonly terms: readonly HeldLease[]; readonly holdingsVersion: number }>;

  /**
   * An operator asks the holder to give a lease up, a partition's or a role's. By compare-and-set on the lease: for the term that holds it
   * now, and with `expectedEpoch` for no other. Void by itself once that term is over. Asking again changes nothing.
   * Refuses: `not_found`; `fenced` (the epoch is another; `currentEpoch` tells which).
   */
  requestRelease(key: LeaseKey, expectedEpoch: number | null): Promise<RequestReleaseAnswer>;

  /**
   * Vacates the coordinator's role by compare-and-set: only if that session still holds it at that epoch and has told no other progress. The
   * epoch stays, and the session's holdings version tells it. The caller must have seen that stamp for the session's TTL and
   * `stuckAfterMsMin` without a break. Waits for a plan that is being written, within the statement's time-out.
   */
  retireCoordinator(stuck: StuckCoordinator): Promise<'retired' | 'changed'>;

  /** One lease; undefined when there is no such partition, or no such role was ever held. */
  getLease(key: LeaseKey): Promise<LeaseView | undefined>;

  /**
   * The agent that leads the role, null when nobody does: what candidates ask at each change. It takes no connection of the pool, which a thousand of
   * them would have to open first.
   */
  roleHolder(role: LeaseKey): Promise<string | null>;

  /** Leases of the group's existing partitions, in topic, then partition order. */
  listPartitionLeases(filter: LeaseFilter, page: PageRequest): Promise<Page<LeaseView>>;

  /** The group's topics, their partitions, and how many of those are led by a live session, and how many are to be led by another agent. Reads every lease of the group. */
  countPartitions(): Promise<PartitionCounts>;

  listRoleLeases(page: PageRequest): Promise<Page<LeaseView>>;

  /** Terms of a lease, the newest first. */
  leaseHistory(key: LeaseKey, limit: number): Promise<readonly TermRecord[]>;
}
