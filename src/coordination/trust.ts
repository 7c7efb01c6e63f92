// How long this agent may act on its session without another proof (DESIGN 3.9). Only ever stops sooner than the database would.
import { type TimeBudget, trustedUntilMs } from '../domain/session.ts';
import type { Clock } from '../platform/clock.ts';

export class Trust {
  private readonly clock: Clock;
  private readonly budget: TimeBudget;
  private proof: { readonly sentMs: number; readonly sentWallMs: number } | undefined;

  constructor(clock: Clock, budget: TimeBudget) {
    this.clock = clock;
    this.budget = budget;
  }

  /** When a heartbeat is sent: to be given to `proven` if it is answered. */
  sending(): { readonly sentMs: number; readonly sentWallMs: number } {
    return { sentMs: this.clock.monotonicMs(), sentWallMs: this.clock.wallMs() };
  }

  /** The database accepted the heartbeat sent then. */
  proven(sent: { readonly sentMs: number; readonly sentWallMs: number }): void {
    if (this.proof === undefined || sent.sentMs > this.proof.sentMs) this.proof = sent;
  }

  void(): void {
    this.proof = undefined;
  }

  /**
   * Milliseconds left, 0 when there is no trust. Monotonic time stops while the machine sleeps; when the wall clock has moved
   * differently, we cannot tell how long we were away, and wait for the next proof.
   */
  forMs(): number {
    if (this.proof === undefined) return 0;
    const nowMs = this.clock.monotonicMs();
    const drift = Math.abs(this.clock.wallMs() - this.proof.sentWallMs - (nowMs - this.proof.sentMs));
    if (drift > this.budget.trustMarginMs / 2) return 0;
    return Math.max(0, trustedUntilMs(this.proof.sentMs, this.budget) - nowMs);
  }
}
