// Notices that this process was held up: its event loop stalled, the machine slept, or somebody set the clock. Trust
// runs out by itself, and compares the clocks at every look (trust.ts). This says why it did, counts, and sees to it that a step stays one:
// another step, the other way, would hide it from whoever looks later.
import type { Instruments } from '../metrics/instruments.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';

export interface StallWatchDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly instruments: Instruments;
}

export interface StallWatchOptions {
  /** How long a delay, or how far apart the clocks, is worth a word; milliseconds. Half of the trust's margin: there trust ends. */
  readonly worthMs: number;
  /** Wall and monotonic time have come apart by so much: the machine may have slept. */
  readonly onClockStep: () => void;
}

/** Looks in the time that would be worth a word. */
const looks = 4;

/** Looks until `signal` aborts. */
export async function watchStalls(
  { clock, log, instruments }: StallWatchDeps,
  { worthMs, onClockStep }: StallWatchOptions,
  signal: AbortSignal,
): Promise<void> {
  const tickMs = worthMs / looks;
  while (!signal.aborted) {
    const before = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    await clock.sleep(tickMs, signal);
    if (signal.aborted) return;
    const passedMs = clock.monotonicMs() - before.monotonicMs;
    const lateMs = passedMs - tickMs;
    if (lateMs > worthMs) {
      instruments.stalls.inc({ kind: 'event_loop' });
      log.warn({ stalledMs: Math.round(lateMs) }, 'event loop stalled: heartbeats were late');
    }
    const stepMs = clock.wallMs() - before.wallMs - passedMs;
    if (Math.abs(stepMs) > worthMs) {
      instruments.stalls.inc({ kind: 'clock_step' });
      log.warn(
        { stepMs: Math.round(stepMs) },
        'wall clock stepped or the machine slept: nothing is trusted until the next heartbeat',
      );
      onClockStep();
    }
  }
}
