// A machine with clocks of its own, and the processes on it. A process is the clock that its program is given: what is due for it
// happens only while it runs.
import type { Clock } from '../../src/platform/clock.ts';
import type { Random } from './random.ts';
import type { Cancel, Scheduler } from './scheduler.ts';

/** A timer fires up to so much later than it could, milliseconds. */
const timerLateMsMax = 2;

export class Host {
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** How fast its clocks run: 1 is right. */
  readonly rate: number;
  private wallAheadMs = Date.UTC(2026, 0, 1);
  /** How long the monotonic clock has stood still in all, and since when it does now. */
  private sleptMs = 0;
  private asleepSinceMs: number | undefined;

  constructor(scheduler: Scheduler, random: Random, rate: number) {
    this.scheduler = scheduler;
    this.random = random;
    this.rate = rate;
  }

  monotonicMs(): number {
    const untilMs = this.asleepSinceMs ?? this.scheduler.nowMs;
    return 10_000 + (untilMs - this.sleptMs) * this.rate;
  }

  wallMs(): number {
    return this.wallAheadMs + this.scheduler.nowMs * this.rate;
  }

  jumpWall(ms: number): void {
    this.wallAheadMs += ms;
  }

  get isAsleep(): boolean {
    return this.asleepSinceMs !== undefined;
  }

  /** The machine sleeps: its monotonic clock stands still, its wall clock does not. */
  suspend(): void {
    this.asleepSinceMs ??= this.scheduler.nowMs;
  }

  resume(): void {
    if (this.asleepSinceMs === undefined) return;
    this.sleptMs += this.scheduler.nowMs - this.asleepSinceMs;
    this.asleepSinceMs = undefined;
  }
}

export class HostProcess implements Clock {
  readonly name: string;
  private readonly host: Host;
  private alive = true;
  private stopped = false;
  /** What came while it could not run, in order. */
  private waiting: (() => void)[] = [];

  constructor(host: Host, name: string) {
    this.host = host;
    this.name = name;
  }

  get isAlive(): boolean {
    return this.alive;
  }

  get isRunning(): boolean {
    return this.alive && !this.stopped && !this.host.isAsleep;
  }

  monotonicMs(): number {
    return this.host.monotonicMs();
  }

  wallMs(): number {
    return this.host.wallMs();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.timer(ms, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Calls back after `ms` on the monotonic clock of its machine. */
  timer(ms: number, run: () => void): Cancel {
    const { host } = this;
    const dueMs = host.monotonicMs() + Math.max(0, ms) + host.random.next() * timerLateMsMax;
    let cancelled = false;
    let cancelNext: Cancel;
    const fire = (): void => {
      if (cancelled) return;
      // The machine slept meanwhile: its monotonic clock has not come so far.
      const restMs = dueMs - host.monotonicMs();
      if (restMs > 1e-6) cancelNext = host.scheduler.after(restMs / host.rate, () => this.deliver(fire));
      else run();
    };
    cancelNext = host.scheduler.after((dueMs - host.monotonicMs()) / host.rate, () => this.deliver(fire));
    return () => {
      cancelled = true;
      cancelNext();
    };
  }

  /** Something came for it: happens now, or when it runs again, or never. */
  deliver(run: () => void): void {
    if (!this.alive) return;
    if (this.isRunning) run();
    else this.waiting.push(run);
  }

  /** As SIGKILL: nothing of it happens any more. */
  kill(): void {
    this.alive = false;
    this.waiting = [];
  }

  /** As SIGSTOP. */
  stop(): void {
    this.stopped = true;
  }

  /** As SIGCONT. */
  continue(): void {
    this.stopped = false;
    this.catchUp();
  }

  /** Does what has waited, one thing after the other, each at a moment of its own. */
  catchUp(): void {
    if (!this.isRunning) return;
    const waiting = this.waiting;
    this.waiting = [];
    for (const run of waiting) this.host.scheduler.after(0, () => this.deliver(run));
  }
}
