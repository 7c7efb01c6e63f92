// Whether others see that this agent lives, by the lock that its coordination connection holds, and where they do not, why: people
// must know that a crash of this agent is then noticed a TTL later. Said in the log whenever it has become another.
import type { Logger } from '../platform/logger.ts';
import type { ConnectionLock } from '../store/sessions.ts';

export interface CrashDetectionHealth {
  readonly active: boolean;
  /** Why it is or is not, and what to do, in one sentence for people. */
  readonly detail: string;
}

const details: Readonly<Record<ConnectionLock | 'unknown', string>> = {
  unknown: 'not known yet: the coordination connection is not made',
  held: 'a lock shows others that this agent lives',
  pooled:
    'off by itself: a pooler keeps our connections, so that a crash is noticed after the TTL; set DIRECT_DATABASE_URL past it',
  refused: 'off for this connection: its lock was refused, so that a crash is noticed after the TTL',
};

export class CrashDetection {
  private readonly log: Logger;
  private readonly listeners = new Set<() => void>();
  private now: CrashDetectionHealth = { active: false, detail: details.unknown };

  constructor(log: Logger) {
    this.log = log;
  }

  /** One that stays off. */
  static off(log: Logger, why: string): CrashDetection {
    const detection = new CrashDetection(log);
    detection.become({ active: false, detail: `${why}: a crash is noticed after the TTL` });
    return detection;
  }

  /** The connection was made, with a lock or without. */
  connected(lock: ConnectionLock): void {
    this.become({ active: lock === 'held', detail: details[lock] });
  }

  /** A connection was lost by whose lock others went. */
  lost(): void {
    for (const listener of this.listeners) listener();
  }

  /** Calls back at each loss. Returns the way to stop. */
  onConnectionLost(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  health(): CrashDetectionHealth {
    return this.now;
  }

  private become(health: CrashDetectionHealth): void {
    if (health.detail === this.now.detail) return;
    this.now = health;
    this.log.info({ active: health.active, detail: health.detail }, 'crash detection');
  }
}
