// A session: one registration of an agent, and the local rule that says until when the agent may act on it.

/** Why a session ended. `reaped`: silent for a whole TTL under observation. `removed`: an operator asked. */
export const sessionEndReasons = ['deregistered', 'reaped', 'removed'] as const;
export type SessionEndReason = (typeof sessionEndReasons)[number];

/** The time budget of a session, in milliseconds. See `deriveTimeBudget` for the relations it keeps. */
export interface TimeBudget {
  readonly ttlMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long before the TTL's end the agent stops trusting itself: covers clock rate and the broker's stopping time. */
  readonly trustMarginMs: number;
  /** The longest that one attempt at the store may take, connecting and locking included. */
  readonly attemptMs: number;
}

/**
 * Local monotonic deadline until which a heartbeat that was *sent* at `sentAtMs` lets its agent act.
 * Counting from the sending, not from the answer, keeps it before the database's own expiry however slow the answer was.
 */
export function trustedUntilMs(
  sentAtMs: number,
  budget: Pick<TimeBudget, 'ttlMs' | 'trustMarginMs'>,
): number {
  return sentAtMs + budget.ttlMs - budget.trustMarginMs;
}
