// The relations between TTL, heartbeat and time-outs that safety and liveness rest on (DESIGN section 8), checked at start.
import type { TimeBudget } from './session.ts';

export interface TimeBudgetChoice {
  readonly ttlMs: number;
  readonly heartbeatIntervalMs?: number | undefined;
  readonly trustMarginMs?: number | undefined;
  readonly attemptMs?: number | undefined;
}

export type TimeBudgetAnswer =
  | { readonly outcome: 'ok'; readonly budget: TimeBudget }
  | { readonly outcome: 'broken'; readonly problem: string };

/**
 * Fills in what was not chosen and checks the rest: `interval ≤ TTL / 3`, `attempt ≤ 0.6 · interval`,
 * `interval + 2 · attempt ≤ trusted-until`, so that one lost heartbeat and its retry still fit before trust ends.
 */
export function deriveTimeBudget(choice: TimeBudgetChoice): TimeBudgetAnswer {
  const { ttlMs } = choice;
  const heartbeatIntervalMs = choice.heartbeatIntervalMs ?? Math.floor(ttlMs / 4);
  const trustMarginMs = choice.trustMarginMs ?? Math.ceil(ttlMs / 5);
  const attemptMs = choice.attemptMs ?? Math.floor(0.6 * heartbeatIntervalMs);
  const trustMs = ttlMs - trustMarginMs;
  const budget = { ttlMs, heartbeatIntervalMs, trustMarginMs, attemptMs };
  const broken = (problem: string): TimeBudgetAnswer => ({ outcome: 'broken', problem });
  if (heartbeatIntervalMs > ttlMs / 3) {
    return broken(
      `HEARTBEAT_INTERVAL_MS=${heartbeatIntervalMs} is more than a third of SESSION_TTL_MS=${ttlMs}; use at most ${Math.floor(ttlMs / 3)}`,
    );
  }
  if (trustMarginMs < ttlMs / 50 || trustMarginMs > ttlMs / 2) {
    return broken(
      `TRUST_MARGIN_MS=${trustMarginMs} must be between 2 % and 50 % of SESSION_TTL_MS=${ttlMs}: it covers clocks that run 1 % apart`,
    );
  }
  if (attemptMs > 0.6 * heartbeatIntervalMs) {
    return broken(
      `STATEMENT_TIMEOUT_MS=${attemptMs} is more than 0.6 of HEARTBEAT_INTERVAL_MS=${heartbeatIntervalMs}; use at most ${Math.floor(0.6 * heartbeatIntervalMs)}`,
    );
  }
  if (heartbeatIntervalMs + 2 * attemptMs > trustMs) {
    return broken(
      `HEARTBEAT_INTERVAL_MS=${heartbeatIntervalMs} and twice STATEMENT_TIMEOUT_MS=${attemptMs} do not fit into the ${trustMs} ms that SESSION_TTL_MS less TRUST_MARGIN_MS leaves`,
    );
  }
  return { outcome: 'ok', budget };
}
