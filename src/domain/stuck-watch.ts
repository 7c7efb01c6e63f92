// Observes how far the coordinator says that its work has got, and tells when that has stood still for a TTL without a break in the
// observation: it lives, and does not coordinate (DESIGN section 4). Its role may then be taken from it, and nothing else:
// what a coordinator writes is advice, and refused once the role has gone.
import { SilenceWatch, type SilenceWatchOptions } from './silence-watch.ts';

/** A coordinator's term, and what its session shows. */
export interface ObservedCoordinator {
  readonly sessionId: string;
  readonly epoch: number;
  readonly progress: number;
  readonly ttlMs: number;
}

/**
 * Milliseconds that a stamp must stand still at least, however short the TTL: one round of planning a large group takes seconds, and
 * agents that are too hasty would take the role from each other before anybody has finished.
 */
export const stuckAfterMsMin = 10_000;

export class StuckWatch {
  private readonly stamps: SilenceWatch;
  private coordinator: ObservedCoordinator | undefined;

  constructor(options: SilenceWatchOptions) {
    this.stamps = new SilenceWatch(options);
  }

  /** As `SilenceWatch.observe`; undefined: nobody coordinates, or one that shows no progress because it knows nothing of this. */
  observe(observation: {
    readonly askedMs: number;
    readonly nowMs: number;
    readonly connection: number;
    readonly coordinator: ObservedCoordinator | undefined;
  }): void {
    const { coordinator, ...seen } = observation;
    this.coordinator = coordinator;
    // A stamp is watched as a beat is; one of another term is another.
    const stamps =
      coordinator === undefined
        ? []
        : [
            {
              sessionId: `${coordinator.sessionId} ${coordinator.epoch}`,
              beat: coordinator.progress,
              ttlMs: Math.max(coordinator.ttlMs, stuckAfterMsMin),
            },
          ];
    this.stamps.observe({ ...seen, sessions: stamps });
  }

  /** Forgets everything: the observation was broken. */
  void(): void {
    this.stamps.void();
  }

  /** The coordinator whose stamp stood still when last asked, with what to compare. */
  stuck(): ObservedCoordinator | undefined {
    return this.stamps.silent().length > 0 ? this.coordinator : undefined;
  }
}
