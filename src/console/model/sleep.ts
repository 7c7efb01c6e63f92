// Waiting, and how long to wait after failures.

/** Rejects with the signal's reason. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

const backoffMs = { first: 500, max: 5_000 };

/** Grows with every failure in a row, and differs between pages, so that an agent that returns is not met by all at once. */
export function backoff(failures: number, random: () => number = Math.random): number {
  const whole = Math.min(backoffMs.max, backoffMs.first * 2 ** Math.max(0, failures - 1));
  return whole * (0.5 + random() / 2);
}
