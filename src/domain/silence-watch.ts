// Observes beats and tells which sessions have been silent for a whole TTL without a break in the observation (DESIGN 3.2).
// Everything is measured on the observer's own monotonic clock, from when it first saw a beat; whatever could have kept a
// live session's heartbeats away from us, or from the store, voids what was seen.

export interface ObservedBeat {
  readonly sessionId: string;
  readonly beat: number;
  readonly ttlMs: number;
}

export interface SilenceWatchOptions {
  /** Two observations further apart than this are not one observation; milliseconds. */
  readonly gapMaxMs: number;
}

interface Seen {
  readonly beat: number;
  readonly ttlMs: number;
  /** When this beat was first seen, observer's monotonic clock. */
  readonly sinceMs: number;
}

export class SilenceWatch {
  private seen = new Map<string, Seen>();
  private connection: number | undefined;
  private lastMs: number | undefined;
  private askedMs = 0;
  private readonly options: SilenceWatchOptions;

  constructor(options: SilenceWatchOptions) {
    this.options = options;
  }

  /**
   * Takes in what was read: `askedMs` when the read was sent, `nowMs` when it was answered. A silence counts from an answer
   * to a question: both ends are on the safe side.
   */
  observe(observation: {
    readonly askedMs: number;
    readonly nowMs: number;
    readonly connection: number;
    readonly sessions: readonly ObservedBeat[];
  }): void {
    const { askedMs, nowMs, connection, sessions } = observation;
    const broken =
      connection !== this.connection ||
      this.lastMs === undefined ||
      nowMs - this.lastMs > this.options.gapMaxMs;
    const before = broken ? new Map<string, Seen>() : this.seen;
    this.connection = connection;
    this.lastMs = nowMs;
    this.seen = new Map(
      sessions.map(({ sessionId, beat, ttlMs }) => {
        const known = before.get(sessionId);
        return [sessionId, known?.beat === beat ? known : { beat, ttlMs, sinceMs: nowMs }];
      }),
    );
    this.askedMs = askedMs;
  }

  /** Forgets everything: the observation was broken. */
  void(): void {
    this.seen.clear();
    this.connection = undefined;
    this.lastMs = undefined;
  }

  /** Sessions whose beat had not changed for a TTL when last asked, with the beat to compare in the reap. */
  silent(): readonly ObservedBeat[] {
    return [...this.seen]
      .filter(([, { sinceMs, ttlMs }]) => this.askedMs - sinceMs >= ttlMs)
      .map(([sessionId, { beat, ttlMs }]) => ({ sessionId, beat, ttlMs }));
  }

  /**
   * Milliseconds from `nowMs` until the next silence would be a TTL long; undefined when there is none to come. Those that
   * `silent` names do not count: where the database's clock was set back they may be refused for long, and are asked for at
   * the ordinary pace.
   */
  nextSilenceInMs(nowMs: number): number | undefined {
    let next: number | undefined;
    for (const { sinceMs, ttlMs } of this.seen.values()) {
      if (this.askedMs - sinceMs >= ttlMs) continue;
      const inMs = Math.max(0, sinceMs + ttlMs - nowMs);
      next = next === undefined ? inMs : Math.min(next, inMs);
    }
    return next;
  }
}
