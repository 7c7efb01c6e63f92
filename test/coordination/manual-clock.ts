// A clock that stands still until a test moves it. Timers fire in the order they are due, and whatever a timer wakes is given
// the time to run, store operations included, before the next one fires: a day passes in milliseconds, always the same way.
import type { Clock } from '../../src/platform/clock.ts';

interface Sleeper {
  readonly dueMs: number;
  wake(): void;
}

/** Lets everything run that waits for nothing but its turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class ManualClock implements Clock {
  private nowMs = 10_000;
  private wallAheadMs = Date.UTC(2026, 0, 1);
  private readonly sleepers = new Set<Sleeper>();
  private readonly settled: () => Promise<void>;

  /** `settled` resolves when whatever was woken has come to rest. Default: after one turn of the event loop. */
  constructor(settled: () => Promise<void> = turn) {
    this.settled = settled;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs + this.wallAheadMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = (): void => {
        this.sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { dueMs: this.nowMs + Math.max(0, ms), wake };
      this.sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.sleepers.size;
  }

  /** Resolves when everything has come to rest, at the present time. */
  rest(): Promise<void> {
    return this.settled();
  }

  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await this.settled();
    for (let next = this.firstDue(endMs); next; next = this.firstDue(endMs)) {
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      next.wake();
      await this.settled();
    }
    this.nowMs = endMs;
    await this.settled();
  }

  /** Time passes and nobody gets a turn: a process that was stopped, or an answer that took that long. */
  jump(ms: number): void {
    this.nowMs += ms;
  }

  /** The machine sleeps: the wall clock goes on, the monotonic one does not. */
  suspend(ms: number): void {
    this.wallAheadMs += ms;
  }

  private firstDue(untilMs: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.sleepers) {
      if (sleeper.dueMs <= untilMs && (first === undefined || sleeper.dueMs < first.dueMs)) first = sleeper;
    }
    return first;
  }
}
