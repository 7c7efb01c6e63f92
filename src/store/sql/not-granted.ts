// What an acquire says of what it did not take.
import type { LeaseKey } from '../../domain/lease.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { AcquireOutcome, Reclaim } from '../leases.ts';

/** Of a free lease, in an era whose quarantine lasts for so long, milliseconds. */
export function notYet(key: LeaseKey, forMs: number, reclaim: Reclaim | undefined): AcquireOutcome {
  const isQuarantined = forMs > 0 && reclaim?.has(key) !== true;
  return isQuarantined ? { outcome: 'quarantined', key, forMs } : { outcome: 'busy', key };
}

export function sessionLost(sessionId: string, so: string): Refusal {
  return new Refusal('session_lost', `session ${sessionId} has ended; ${so}`);
}
