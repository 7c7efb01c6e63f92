// Reads something again and again: one read at a time, with a pause after each that a ring cuts short, and growing pauses
// after failures.
import { backoff, sleep } from './sleep.ts';

export interface PollerOptions {
  /** Rejecting is a failure: it is told and tried again. */
  readonly read: (signal: AbortSignal) => Promise<void>;
  /** Told of each failure, and how many there have been in a row. */
  readonly onFailure: (error: unknown, failures: number) => void;
  /** The pause when nothing rang, milliseconds. */
  readonly everyMs: number;
  /** The pause is at least so many times what the last read took, however it was rung. */
  readonly restFactor: number;
  /** And so many times when nothing rang, up to `unrungMaxMs`. */
  readonly unrungFactor: number;
}

/** What is told by nobody is found out within this, milliseconds. */
const unrungMaxMs = 5_000;

export class Poller {
  readonly #options: PollerOptions;
  #running: AbortController | undefined;
  #isRung = false;
  #cutPause: AbortController | undefined;
  /** By `performance.now()`: no pause ends before. */
  #restUntilMs = 0;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** Reads at once. Started twice is started once. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  /** May be started again. */
  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  /** What it reads has changed, probably: the next read comes as soon as the last one's cost allows. */
  ring(): void {
    this.#isRung = true;
    this.#cutPause?.abort();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      this.#isRung = false;
      const startedMs = performance.now();
      try {
        await this.#options.read(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#options.onFailure(error, failures);
      }
      const tookMs = performance.now() - startedMs;
      await (failures > 0 ? sleep(backoff(failures), signal) : this.#rest(tookMs, signal)).catch(
        () => undefined,
      );
    }
  }

  async #rest(tookMs: number, signal: AbortSignal): Promise<void> {
    const { everyMs, restFactor, unrungFactor } = this.#options;
    this.#restUntilMs = performance.now() + tookMs * restFactor;
    if (!this.#isRung) {
      this.#cutPause = new AbortController();
      const either = AbortSignal.any([signal, this.#cutPause.signal]);
      await sleep(Math.max(everyMs, Math.min(unrungMaxMs, tookMs * unrungFactor)), either).catch(
        () => undefined,
      );
    }
    const leftMs = this.#restUntilMs - performance.now();
    if (leftMs > 0) await sleep(leftMs, signal);
  }
}
