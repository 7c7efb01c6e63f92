// What every coordination loop is given.
import type { Instruments } from '../metrics/instruments.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Signals } from '../signals/signals.ts';
import type { MetadataStore } from '../store/metadata-store.ts';

export interface CoordinationDeps {
  readonly store: MetadataStore;
  readonly signals: Signals;
  /**
   * Calls back when the connection was lost by which others see that this agent lives. Never where they do not look at it. Returns the
   * way to stop.
   */
  readonly onConnectionLost: (listener: () => void) => () => void;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A new UUID each time. Default: a random one. */
  readonly newSessionId?: (() => string) | undefined;
  readonly log: Logger;
  readonly instruments: Instruments;
}
