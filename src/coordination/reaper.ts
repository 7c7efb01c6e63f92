// Watches sessions and ends the silent and the crashed ones (DESIGN 3.2 and 4). The coordinator watches everybody; two deputies watch the
// coordinator at the same pace; all others watch the coordinator at the pace of a heartbeat, for the day when deputies die too.
import { CrashWatch } from '../domain/crash-watch.ts';
import { SilenceWatch } from '../domain/silence-watch.ts';
import type { TimeBudget } from '../domain/session.ts';
import type { Observation, ObservedSession, ReapAnswer } from '../store/sessions.ts';
import type { CoordinationDeps } from './deps.ts';

export interface ReaperOptions {
  readonly sessionId: string;
  readonly budget: TimeBudget;
  /** How often coordinator and deputies look, milliseconds. */
  readonly pollMs: number;
  /** Whether to end sessions whose agents have crashed before their TTL is over. */
  readonly detectsCrashes: boolean;
}

export interface ReaperHandlers {
  /** The coordinator's role is vacant, or named by a session that has ended. */
  vacant(): void;
  /** All live sessions, at each look of the coordinator. */
  members(sessions: readonly ObservedSession[]): void;
  /** A session was ended: its leases are free. */
  reaped(agentId: string): void;
}

const deputies = 2;
/** Between two looks, milliseconds. */
const minWaitMs = 20;

export class Reaper {
  private readonly deps: CoordinationDeps;
  private readonly options: ReaperOptions;
  private readonly handlers: ReaperHandlers;
  private readonly silence: SilenceWatch;
  private readonly crashes = new CrashWatch();
  private coordinating = false;

  constructor(deps: CoordinationDeps, options: ReaperOptions, handlers: ReaperHandlers) {
    this.deps = deps;
    this.options = options;
    this.handlers = handlers;
    this.silence = new SilenceWatch({ gapMaxMs: options.budget.ttlMs / 2 });
  }

  /**
   * Our own heartbeat did not get through: others' may not have either, though reads go on (a full disk, a stuck
   * primary). What we saw of their silence proves nothing.
   */
  void(): void {
    this.silence.void();
    this.crashes.void();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    while (!signal.aborted) {
      let waitMs: number = this.options.budget.heartbeatIntervalMs;
      try {
        waitMs = await this.look();
      } catch (error) {
        this.void();
        log.debug({ err: error }, 'observation broken');
      }
      await clock.sleep(waitMs, signal);
    }
  }

  /** One look; answers how long to wait for the next. */
  private async look(): Promise<number> {
    const { store, clock } = this.deps;
    const askedMs = clock.monotonicMs();
    const everyone = this.coordinating;
    const observation = everyone
      ? await store.observeSessions()
      : await store.observeCoordinator(deputies + 1);
    const { watched, pollMs } = this.duty(observation);
    const { connection, sessions } = observation;
    const seen = { askedMs, nowMs: clock.monotonicMs(), connection };
    this.silence.observe({ ...seen, sessions: sessions.filter(watched) });
    // All that were read: how many vanish together tells whose fault it is.
    if (this.options.detectsCrashes) this.crashes.observe({ ...seen, sessions });
    if (observation.coordinatorSessionId === null) this.handlers.vacant();
    if (everyone) this.handlers.members(sessions);
    const isWatched = (sessionId: string) =>
      sessions.some((each) => each.sessionId === sessionId && watched(each));
    for (const { sessionId, beat, lockKey } of this.crashes.crashed()) {
      if (!isWatched(sessionId)) continue;
      await this.reap(sessionId, observation, 'its agent crashed', () =>
        store.reapCrashed(sessionId, beat, lockKey),
      );
    }
    for (const { sessionId, beat } of this.silence.silent()) {
      await this.reap(sessionId, observation, 'silent for its whole TTL', () =>
        store.reapSession(sessionId, beat),
      );
    }
    const nowMs = clock.monotonicMs();
    const next = Math.min(
      this.silence.nextSilenceInMs(nowMs) ?? Infinity,
      this.crashes.nextInMs(nowMs) ?? Infinity,
    );
    // Right behind the end of a silence or a grace, but never a busy loop.
    return Math.max(Math.min(minWaitMs, pollMs), Math.min(pollMs, next + 5));
  }

  /** Whom to judge, and how soon to look again. */
  private duty({ sessions, coordinatorSessionId }: Observation): {
    readonly watched: (session: ObservedSession) => boolean;
    readonly pollMs: number;
  } {
    const { sessionId: own, pollMs, budget } = this.options;
    this.coordinating = coordinatorSessionId === own;
    if (this.coordinating) return { watched: ({ sessionId }) => sessionId !== own, pollMs };
    const followers = sessions.filter(({ sessionId }) => sessionId !== coordinatorSessionId);
    const rank = followers.findIndex(({ sessionId }) => sessionId === own);
    return {
      watched: ({ sessionId }) => sessionId === coordinatorSessionId,
      pollMs: rank >= 0 && rank < deputies ? pollMs : budget.heartbeatIntervalMs,
    };
  }

  private async reap(
    sessionId: string,
    { sessions }: Observation,
    why: string,
    reap: () => Promise<ReapAnswer>,
  ): Promise<void> {
    const { instruments, log } = this.deps;
    const agentId = sessions.find((session) => session.sessionId === sessionId)?.agentId ?? '';
    try {
      const result = await reap();
      instruments.reaps.inc({ result });
      if (result !== 'reaped') return;
      log.info({ silentAgentId: agentId, sessionId }, `session reaped: ${why}`);
      this.handlers.reaped(agentId);
    } catch (error) {
      instruments.reaps.inc({ result: 'failed' });
      throw error;
    }
  }
}
