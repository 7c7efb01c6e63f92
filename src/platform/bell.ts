// A bell that loops wait at: rings coalesce, and one that rings while nobody waits is not lost.
import type { Clock } from './clock.ts';

export class Bell {
  private rung = false;
  private waiting: (() => void) | undefined;
  /** Ends the sleep; made anew only when it has ended one, for most waits time out. */
  private stop = new AbortController();

  ring(): void {
    this.rung = true;
    this.waiting?.();
  }

  /** Resolves at the next ring, after `timeoutMs`, or when `signal` aborts; tells whether it was a ring. One waiter at a time. */
  async wait(clock: Clock, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (!this.rung && !signal.aborted) {
      if (this.stop.signal.aborted) this.stop = new AbortController();
      const { stop } = this;
      // A reason of our own: the one made by default costs a stack trace each time.
      const onAbort = (): void => stop.abort('woken');
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting = onAbort;
      await clock.sleep(timeoutMs, stop.signal);
      this.waiting = undefined;
      signal.removeEventListener('abort', onAbort);
    }
    const { rung } = this;
    this.rung = false;
    return rung;
  }
}
