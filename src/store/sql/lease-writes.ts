// Port: the grant and the release, which are each backend's own statements. Who won is read after them (`leases.ts`).
import type { LeaseKey } from '../../domain/lease.ts';
import type { TakenOver, TermEndReason } from '../leases.ts';
import type { TermRow, WantedRow } from './lease-rows.ts';

export interface GrantedLease {
  readonly key: LeaseKey;
  readonly epoch: number;
  /** The reaped session that held it before, if one did. */
  readonly takenOver: TakenOver | null;
}

export interface LeaseWrites {
  /**
   * One transaction: judges which of the leases are free, locks those in key order, skipping locked ones, and grants those whose epoch
   * is still the one judged free. Touches no row of a lease it does not grant. Raises the session's holdings version
   * when it granted any. Grants nothing where the store's data are not of the era's history.
   */
  acquire(
    group: string,
    sessionId: string,
    leases: readonly WantedRow[],
    /** The era in whose quarantine the reclaimed ones may be granted; null: none. */
    reclaimEra: number | null,
  ): Promise<WriteAnswer<GrantedLease>>;
  /** One transaction: vacates those that the session still holds at the epoch named. */
  release(
    group: string,
    sessionId: string,
    terms: readonly TermRow[],
    reason: TermEndReason,
  ): Promise<WriteAnswer<LeaseKey>>;
}

export interface WriteAnswer<T> {
  readonly done: readonly T[];
  readonly holdingsVersion: number | undefined;
}
