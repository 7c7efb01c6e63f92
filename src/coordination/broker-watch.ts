// Whether the broker beside this agent lives: it holds an event stream open (`?attach=broker`), or answers at its health URL, or both.
// An agent that nobody ever attached to, and that has no URL to ask, cannot know and does not judge.
import type { BrokerState } from '../metrics/table/agent.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { Bell } from '../platform/bell.ts';

export interface BrokerWatchDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Resolves when the broker says that it is well, rejects when it does not or takes too long; undefined: not asked. */
  readonly askHealth: (() => Promise<void>) | undefined;
}

export interface BrokerWatchOptions {
  /** How long a broker whose last stream has ended may take to come back, milliseconds. */
  readonly graceMs: number;
  /** How often it is asked, milliseconds, and how many failures in a row mean that it is down. */
  readonly healthIntervalMs: number;
  readonly healthFailuresMax: number;
  /** Leads nothing before a broker has attached for the first time. */
  readonly required: boolean;
}

export class BrokerWatch {
  private readonly deps: BrokerWatchDeps;
  private readonly options: BrokerWatchOptions;
  private readonly bell = new Bell();
  private readonly listeners = new Set<() => void>();
  private streams = 0;
  /** When the last stream ended, monotonic clock; undefined while one is open, or before the first. */
  private leftAtMs: number | undefined;
  private wasAttached = false;
  /** Failures in a row; undefined before the first success: a broker that has not started yet is not well. */
  private healthFailures: number | undefined;
  private why: string | undefined;

  constructor(deps: BrokerWatchDeps, options: BrokerWatchOptions) {
    this.deps = deps;
    this.options = options;
    this.why = this.judge();
  }

  get isAttached(): boolean {
    return this.streams > 0;
  }

  /** Why the broker counts as down; undefined while it does not. */
  get down(): string | undefined {
    return this.why;
  }

  get state(): BrokerState {
    if (this.why !== undefined) return 'down';
    if (this.isAttached) return 'attached';
    if (this.healthFailures !== undefined) return 'answering';
    return this.leftAtMs === undefined ? 'none' : 'away';
  }

  /** Calls back when a broker attaches, leaves, goes down or comes back. Returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A broker's stream is open until what this answers is disposed of. */
  attach(): Disposable {
    let open = true;
    this.streams += 1;
    this.wasAttached = true;
    this.leftAtMs = undefined;
    this.update(this.streams === 1);
    return {
      [Symbol.dispose]: () => {
        if (!open) return;
        open = false;
        this.streams -= 1;
        if (this.streams === 0) this.leftAtMs = this.deps.clock.monotonicMs();
        this.update(this.streams === 0);
        this.bell.ring();
      },
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.countGrace(signal), this.askForHealth(signal)]);
  }

  private async countGrace(signal: AbortSignal): Promise<void> {
    const { clock } = this.deps;
    while (!signal.aborted) {
      const { leftAtMs } = this;
      const restMs =
        leftAtMs === undefined ? Infinity : leftAtMs + this.options.graceMs - clock.monotonicMs();
      this.update();
      await this.bell.wait(clock, restMs > 0 && restMs < Infinity ? restMs : idleMs, signal);
    }
  }

  private async askForHealth(signal: AbortSignal): Promise<void> {
    const { clock, askHealth, log } = this.deps;
    if (askHealth === undefined) return;
    while (!signal.aborted) {
      try {
        await askHealth();
        this.healthFailures = 0;
      } catch (error) {
        if (this.healthFailures !== undefined) this.healthFailures += 1;
        log.debug({ err: error, failures: this.healthFailures }, 'the broker does not say that it is well');
      }
      this.update();
      await clock.sleep(this.options.healthIntervalMs, signal);
    }
  }

  private update(attachmentChanged = false): void {
    const before = this.why;
    this.why = this.judge();
    if (before !== this.why) {
      const { log } = this.deps;
      if (this.why === undefined) log.info({}, 'broker is back: taking work again');
      else log.warn({ reason: this.why }, 'broker is down: handing over what it led');
    }
    if (!attachmentChanged && before === this.why) return;
    for (const listener of this.listeners) listener();
  }

  private judge(): string | undefined {
    const { askHealth, clock } = this.deps;
    const { graceMs, healthFailuresMax, required } = this.options;
    if (askHealth !== undefined && this.healthFailures === undefined)
      return 'it has not answered at BROKER_HEALTH_URL yet';
    if (this.healthFailures !== undefined && this.healthFailures >= healthFailuresMax) {
      return `it failed ${healthFailuresMax} times in a row at BROKER_HEALTH_URL`;
    }
    if (required && !this.wasAttached) return 'no broker has attached yet';
    if (this.leftAtMs !== undefined && clock.monotonicMs() - this.leftAtMs >= graceMs) {
      return `its event stream ended and did not return within ${graceMs} ms`;
    }
    return undefined;
  }
}

/** While nothing is due, milliseconds: a change rings the bell. */
const idleMs = 3_600_000;
