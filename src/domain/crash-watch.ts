// Observes the advisory locks that agents hold by their coordination connections, and tells whose lock has vanished: the process has
// died, or its connection has (DESIGN section 4). It proves less than a whole TTL of silence does, so that it is used only with
// what an agent does about it: one whose connection is lost stops acting within half of the grace (`lostConnectionTrustMs`)
// unless it has beaten under a new lock by then, and that beat defeats the reap.
//
// Everything is measured on the observer's own monotonic clock.

/** The lock that a session's connection holds, as the store shows it. */
export interface ObservedLock {
  readonly sessionId: string;
  readonly beat: number;
  /** Chosen anew for each connection; null for a session that takes none. */
  readonly lockKey: number | null;
  /** Whether the server shows that somebody holds it. */
  readonly isLockHeld: boolean;
}

/** What to compare in the reap. */
export interface VanishedLock {
  readonly sessionId: string;
  readonly beat: number;
  readonly lockKey: number;
}

/** How long a lock must be missing, milliseconds: an agent that lives has made a new connection and beaten on it by then. */
export const crashGraceMs = 500;

/** How long an agent may act after its connection was lost, milliseconds: well before anybody may take the loss for its death. */
export const lostConnectionTrustMs = crashGraceMs / 2;

/** Of the locks seen, as many vanishing together are the store's fault, not so many crashes. */
const storesFault = { atLeast: 2, share: 1 / 3 };

interface Seen {
  readonly lockKey: number;
  /** When it was first answered that nobody holds it, after somebody did; undefined while it is held. */
  readonly missingSinceMs: number | undefined;
  readonly beat: number;
}

export class CrashWatch {
  /** Sessions whose lock was seen held on this connection of ours. */
  private seen = new Map<string, Seen>();
  private connection: number | undefined;
  private askedMs = 0;

  /**
   * Takes in what was read: `askedMs` when the read was sent, `nowMs` when it was answered. A lock counts as missing from an
   * answer to a question. The own session belongs in, too: what happens to its lock tells of the store.
   */
  observe(observation: {
    readonly askedMs: number;
    readonly nowMs: number;
    readonly connection: number;
    readonly sessions: readonly ObservedLock[];
  }): void {
    const { askedMs, nowMs, connection, sessions } = observation;
    // A server that lost all its connections has forgotten all locks, and says so on a new one of ours only.
    const before = connection === this.connection ? this.seen : new Map<string, Seen>();
    this.connection = connection;
    this.askedMs = askedMs;
    this.seen = new Map();
    for (const { sessionId, beat, lockKey, isLockHeld } of sessions) {
      if (lockKey === null) continue;
      const known = before.get(sessionId);
      if (isLockHeld) this.seen.set(sessionId, { lockKey, beat, missingSinceMs: undefined });
      else if (known?.lockKey === lockKey) {
        const { missingSinceMs = nowMs } = known;
        // Who beats on without its lock is alive: the lock tells nothing of it any more.
        const isAlive = known.missingSinceMs !== undefined && known.beat !== beat;
        if (!isAlive) this.seen.set(sessionId, { lockKey, beat, missingSinceMs });
      }
    }
  }

  /** Forgets everything: the observation was broken. */
  void(): void {
    this.seen.clear();
    this.connection = undefined;
  }

  /** Sessions whose lock was seen held and had vanished for the grace when last asked. */
  crashed(): readonly VanishedLock[] {
    const missing = [...this.seen].filter(([, { missingSinceMs }]) => missingSinceMs !== undefined);
    if (missing.length >= storesFault.atLeast && missing.length > storesFault.share * this.seen.size)
      return [];
    return missing
      .filter(([, { missingSinceMs = Infinity }]) => this.askedMs - missingSinceMs >= crashGraceMs)
      .map(([sessionId, { beat, lockKey }]) => ({ sessionId, beat, lockKey }));
  }

  /** Milliseconds from `nowMs` until the next lock will have been missing for the grace; undefined when none is missing. */
  nextInMs(nowMs: number): number | undefined {
    let next: number | undefined;
    for (const { missingSinceMs } of this.seen.values()) {
      if (missingSinceMs === undefined || this.askedMs - missingSinceMs >= crashGraceMs) continue;
      const inMs = Math.max(0, missingSinceMs + crashGraceMs - nowMs);
      next = next === undefined ? inMs : Math.min(next, inMs);
    }
    return next;
  }
}
