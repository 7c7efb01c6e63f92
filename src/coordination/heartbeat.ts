// The heartbeat loop: one row, whatever is held. Its reply is also the slow poll for everything that signals should have told.
import { Refusal, StoreUnavailable } from '../domain/refusal.ts';
import type { TimeBudget } from '../domain/session.ts';
import { Backoff } from '../platform/backoff.ts';
import { Bell } from '../platform/bell.ts';
import type { HeartbeatAnswer } from '../store/sessions.ts';
import type { CoordinationDeps } from './deps.ts';
import type { Registered } from './registration.ts';

export type Renewed = Extract<HeartbeatAnswer, { outcome: 'renewed' }>;

export type SessionEnd =
  | { readonly why: 'stopped' }
  /**
   * The database says that our session is over. `reclaimEra`: it was trusted when we heard that this era ended it; what it held may be had
   * back in its quarantine.
   */
  | { readonly why: 'lost'; readonly reason: string; readonly reclaimEra: number | undefined }
  /** An operator asked for its end. */
  | { readonly why: 'end_requested' };

export interface HeartbeatHandlers {
  /** What the session tells of its work as coordinator; null while it is none. */
  progress(): number | null;
  /** Reads again what the reply says has changed; only then is trust extended. */
  beforeTrust(renewed: Renewed): Promise<void>;
  /** No answer, or none that counts. */
  failed(): void;
}

export class Heartbeat {
  private readonly bell = new Bell();
  private readonly deps: CoordinationDeps;
  private readonly budget: TimeBudget;

  constructor(deps: CoordinationDeps, budget: TimeBudget) {
    this.deps = deps;
    this.budget = budget;
  }

  /** Beats now instead of at the next interval. */
  now(): void {
    this.bell.ring();
  }

  /** Beats until the session is over or `signal` aborts. */
  async run(session: Registered, handlers: HeartbeatHandlers, signal: AbortSignal): Promise<SessionEnd> {
    const { clock, log, instruments, random } = this.deps;
    const { heartbeatIntervalMs } = this.budget;
    const backoff = new Backoff({ firstMs: 50, maxMs: heartbeatIntervalMs / 2, random });
    while (!signal.aborted) {
      const sent = session.trust.sending();
      let waitMs: number;
      try {
        const answer = await this.beat(session.sessionId, handlers.progress());
        if (answer.outcome === 'session_lost') {
          const isTrusted = session.trust.forMs() > 0;
          session.trust.void();
          instruments.heartbeats.inc({ result: 'lost' });
          const reclaimEra = answer.reason === 'new_era' && isTrusted ? answer.era : undefined;
          return { why: 'lost', reason: answer.reason, reclaimEra };
        }
        await handlers.beforeTrust(answer);
        session.trust.proven(sent);
        instruments.heartbeats.inc({ result: 'renewed' });
        instruments.era.set(answer.era);
        instruments.storeClockOffset.set((answer.databaseTime.getTime() - clock.wallMs()) / 1000);
        if (answer.endRequested) return { why: 'end_requested' };
        backoff.reset();
        // A little early each time, so that agents started together drift apart.
        waitMs = heartbeatIntervalMs * (0.95 + 0.05 * random()) - (clock.monotonicMs() - sent.sentMs);
      } catch (error) {
        instruments.heartbeats.inc({ result: 'failed' });
        handlers.failed();
        waitMs = backoff.nextMs();
        const fields = {
          err: error,
          retryInMs: Math.round(waitMs),
          trustedForMs: Math.round(session.trust.forMs()),
        };
        // A refusal is the race with a reap: the next beat hears of it.
        const foreseen = error instanceof StoreUnavailable || error instanceof Refusal;
        if (!foreseen) log.error(fields, 'heartbeat failed');
        else if (backoff.failures > 2) log.warn(fields, 'heartbeat failed');
        else log.info(fields, 'heartbeat failed');
      }
      await this.bell.wait(clock, waitMs, signal);
    }
    return { why: 'stopped' };
  }

  private async beat(sessionId: string, progress: number | null): Promise<HeartbeatAnswer> {
    const end = this.deps.instruments.heartbeatDuration.startTimer();
    try {
      return await this.deps.store.heartbeat(sessionId, progress);
    } finally {
      end();
    }
  }
}
