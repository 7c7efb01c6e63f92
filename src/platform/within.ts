// Waiting for what may never come.
import { onLate } from './late.ts';

/** What comes of the promise, or `late`'s error when nothing has within `ms` milliseconds. It goes on then, and nobody hears how it ends. */
export async function within<T>(pending: Promise<T>, ms: number, late: () => Error): Promise<T> {
  pending.catch(() => undefined); // it may fail when nobody waits any more
  let forget = (): void => undefined;
  const timeUp = new Promise<never>((_, reject) => {
    forget = onLate(ms, () => reject(late()));
  });
  try {
    return await Promise.race([pending, timeUp]);
  } finally {
    forget();
  }
}
