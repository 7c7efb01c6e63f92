// How long this agent may act on its session without another proof (DESIGN 3.9). Only ever stops sooner than the database would.
import { type TimeBudget, trustedUntilMs } from '../domain/session.ts';
import type { Clock } from '../platform/clock.ts';

export class Trust {
  private readonly clock: Clock;
  private readonly budget: TimeBudget;
  private proof: { readonly sentMs: number; readonly sentWallMs: number } | undefined;
  /** No proof that was sent before `fromMs` counts beyond `untilMs`. */
  private bound = { fromMs: -Infinity, untilMs: Infinity };

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

  /** From now on only a new proof gives more than so many milliseconds: what the earlier ones rest on is gone. */
  limitTo(forMs: number): void {
    const nowMs = this.clock.monotonicMs();
    const wasBound = this.proof !== undefined && this.proof.sentMs < this.bound.fromMs;
    const untilMs = nowMs + forMs;
    this.bound = { fromMs: nowMs, untilMs: wasBound ? Math.min(this.bound.untilMs, untilMs) : untilMs };
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
    const untilMs = trustedUntilMs(this.proof.sentMs, this.budget);
    const isBound = this.proof.sentMs < this.bound.fromMs;
    return Math.max(0, (isBound ? Math.min(untilMs, this.bound.untilMs) : untilMs) - nowMs);
  }
}
