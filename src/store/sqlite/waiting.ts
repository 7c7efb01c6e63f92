// Waiting for another process's lock without blocking the event loop: short, growing, jittered sleeps between attempts.
import { StoreUnavailable } from '../../domain/refusal.ts';
import { Backoff } from '../../platform/backoff.ts';
import { systemClock } from '../../platform/clock.ts';
import { isBusy } from './errors.ts';

/** How long an operation may wait, all its waits together. */
export interface Patience {
  readonly file: string;
  readonly attemptMs: number;
  /** Monotonic moment when the patience ends. */
  readonly untilMs: number;
}

export function patience(file: string, attemptMs: number): Patience {
  return { file, attemptMs, untilMs: systemClock.monotonicMs() + attemptMs };
}

/** The driver is synchronous: without a turn for others in between, a row of operations would starve timers and sockets. */
async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Runs `work` until it meets no lock. It is tried at least once, and must have done nothing when it meets one. Fails with
 * StoreUnavailable, nothing done, when the patience is over.
 */
export async function whenUnlocked<T>({ file, attemptMs, untilMs }: Patience, work: () => T): Promise<T> {
  await nextTurn();
  // A commit is a few milliseconds: looking again soon costs little, and SQLite has no queue that would wake us.
  const backoff = new Backoff({ firstMs: 2, maxMs: 40, random: Math.random });
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      const leftMs = untilMs - systemClock.monotonicMs();
      if (leftMs <= 0) {
        throw new StoreUnavailable(
          `the database file ${file} was locked by others for ${attemptMs} ms; nothing was done`,
          { outcomeUnknown: false, cause: error },
        );
      }
      await systemClock.sleep(Math.min(backoff.nextMs(), leftMs));
    }
  }
}
