// Waiting for something to become true, for so long and no longer.
import type { Clock } from '../platform/clock.ts';

/** Somebody ended the demo; not a failure of it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** The demo cannot go on: said in one sentence, without a stack. */
export class DemoFailed extends Error {
  override readonly name = 'DemoFailed';
}

export interface Patience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Looks every `everyMs` until the look answers something; fails with DemoFailed after `timeoutMs`, with Interrupted on abort. */
export async function until<T>(
  { clock, signal }: Patience,
  {
    what,
    timeoutMs,
    everyMs = 50,
  }: { readonly what: string; readonly timeoutMs: number; readonly everyMs?: number },
  look: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const startedMs = clock.monotonicMs();
  for (;;) {
    if (signal.aborted) throw new Interrupted('interrupted');
    const seen = await look();
    if (seen !== undefined) return seen;
    if (clock.monotonicMs() - startedMs > timeoutMs) {
      throw new DemoFailed(`waited ${Math.round(timeoutMs / 1_000)} s for ${what}`);
    }
    await clock.sleep(everyMs, signal);
  }
}

export async function pause({ clock, signal }: Patience, ms: number): Promise<void> {
  await clock.sleep(ms, signal);
  if (signal.aborted) throw new Interrupted('interrupted');
}
