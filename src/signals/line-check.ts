// Whether a connection that mostly listens still carries anything. What arrives on it is proof enough: it is asked only after a silence,
// so that where a coordinator pings nothing is asked at all.
import type { Clock } from '../platform/clock.ts';

export class LineCheck {
  private readonly clock: Clock;
  private readonly silenceMs: number;
  private provenMs: number;

  /** `silenceMs`: after so long without a proof it is asked for one, milliseconds. */
  constructor(clock: Clock, silenceMs: number) {
    this.clock = clock;
    this.silenceMs = silenceMs;
    this.provenMs = clock.monotonicMs();
  }

  /** Something arrived, or an answer did. */
  proven(): void {
    this.provenMs = this.clock.monotonicMs();
  }

  /** Fails as `ask` does; returns when the signal aborts. */
  async run(ask: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const restMs = this.silenceMs - (this.clock.monotonicMs() - this.provenMs);
      if (restMs > 0) {
        await this.clock.sleep(restMs, signal);
        continue;
      }
      await ask();
      this.proven();
    }
  }
}
