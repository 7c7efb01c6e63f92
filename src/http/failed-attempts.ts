// How often each address has failed to show a valid token lately. Bounded in memory whatever comes in, which is why it is not a
// library's: those keep every address, each with a timer.
import { isIPv6 } from 'node:net';
import type { Clock } from '../platform/clock.ts';

export interface FailureLimits {
  /** Failures of one address within one window, after which it is refused until the window ends. */
  readonly failuresMax: number;
  readonly windowMs: number;
  /** Addresses remembered; of more, the one whose window is oldest is forgotten. */
  readonly addressesMax: number;
}

export const failureLimits: FailureLimits = { failuresMax: 10, windowMs: 60_000, addressesMax: 10_000 };

export type Attempt =
  | { readonly outcome: 'counted' }
  /** `isFirst`: this one brought it about, for a log that must not grow with each. */
  | { readonly outcome: 'refused'; readonly retryAfterMs: number; readonly isFirst: boolean };

interface Window {
  readonly endsAtMs: number;
  failures: number;
}

export class FailedAttempts {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #limits: FailureLimits;
  /** In the order in which the windows began, which is the order in which they end: all are of one length. */
  readonly #windows = new Map<string, Window>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, limits: FailureLimits = failureLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#windows.size;
  }

  /** Counts one failure of this address; its window begins with the first. */
  add(address: string): Attempt {
    const nowMs = this.#clock.monotonicMs();
    const { failuresMax, windowMs } = this.#limits;
    this.#forgetEnded(nowMs);
    const network = networkOf(address);
    let window = this.#windows.get(network);
    if (window === undefined) {
      this.#makeRoom();
      window = { endsAtMs: nowMs + windowMs, failures: 0 };
      this.#windows.set(network, window);
    }
    window.failures += 1;
    if (window.failures <= failuresMax) return { outcome: 'counted' };
    return {
      outcome: 'refused',
      retryAfterMs: Math.ceil(window.endsAtMs - nowMs),
      isFirst: window.failures === failuresMax + 1,
    };
  }

  #forgetEnded(nowMs: number): void {
    for (const [network, { endsAtMs }] of this.#windows) {
      if (endsAtMs > nowMs) return;
      this.#windows.delete(network);
    }
  }

  #makeRoom(): void {
    if (this.#windows.size < this.#limits.addressesMax) return;
    const [oldest] = this.#windows.keys();
    if (oldest !== undefined) this.#windows.delete(oldest);
  }
}

/** IPv6 gives every customer 2^64 addresses at least: they count as one. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [left = '', right] = address.replace(/%.*$/, '').split('::');
  const before = left.split(':').filter(Boolean);
  const after = (right ?? '').split(':').filter(Boolean);
  const gap = right === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return `${[...before, ...gap, ...after].slice(0, 4).join(':')}::/64`;
}
