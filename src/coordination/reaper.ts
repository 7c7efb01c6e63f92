// Watches sessions and ends the silent ones (DESIGN 3.2 and 4). The coordinator watches everybody; two deputies watch the
// coordinator at the same pace; all others watch the coordinator at the pace of a heartbeat, for the day when deputies die too.
import { type ObservedBeat, SilenceWatch } from '../domain/silence-watch.ts';
import type { TimeBudget } from '../domain/session.ts';
import type { Observation, ObservedSession } from '../store/sessions.ts';
import type { CoordinationDeps } from './deps.ts';

export interface ReaperOptions {
  readonly sessionId: string;
  readonly budget: TimeBudget;
  /** How often coordinator and deputies look, milliseconds. */
  readonly pollMs: number;
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

export class Reaper {
  private readonly deps: CoordinationDeps;
  private readonly options: ReaperOptions;
  private readonly handlers: ReaperHandlers;
  private readonly watch: SilenceWatch;
  private coordinating = false;

  constructor(deps: CoordinationDeps, options: ReaperOptions, handlers: ReaperHandlers) {
    this.deps = deps;
    this.options = options;
    this.handlers = handlers;
    this.watch = new SilenceWatch({ gapMaxMs: options.budget.ttlMs / 2 });
  }

  /**
   * Our own heartbeat did not get through: others' may not have either, though reads go on (a full disk, a stuck
   * primary). What we saw of their silence proves nothing.
   */
  void(): void {
    this.watch.void();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    while (!signal.aborted) {
      let waitMs: number = this.options.budget.heartbeatIntervalMs;
      try {
        waitMs = await this.look();
      } catch (error) {
        this.watch.void();
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
    this.watch.observe({
      askedMs,
      nowMs: clock.monotonicMs(),
      connection: observation.connection,
      sessions: watched,
    });
    if (observation.coordinatorSessionId === null) this.handlers.vacant();
    if (everyone) this.handlers.members(observation.sessions);
    for (const silent of this.watch.silent()) await this.reap(silent, observation);
    const next = this.watch.nextSilenceInMs(clock.monotonicMs());
    // Right behind the end of a silence, but never a busy loop.
    return next === undefined ? pollMs : Math.max(20, Math.min(pollMs, next + 5));
  }

  private duty({ sessions, coordinatorSessionId }: Observation): {
    readonly watched: readonly ObservedBeat[];
    readonly pollMs: number;
  } {
    const { sessionId, pollMs, budget } = this.options;
    this.coordinating = coordinatorSessionId === sessionId;
    if (this.coordinating) {
      return { watched: sessions.filter((session) => session.sessionId !== sessionId), pollMs };
    }
    const followers = sessions.filter((session) => session.sessionId !== coordinatorSessionId);
    const rank = followers.findIndex((session) => session.sessionId === sessionId);
    return {
      watched: sessions.filter((session) => session.sessionId === coordinatorSessionId),
      pollMs: rank >= 0 && rank < deputies ? pollMs : budget.heartbeatIntervalMs,
    };
  }

  private async reap({ sessionId, beat }: ObservedBeat, observation: Observation): Promise<void> {
    const { store, instruments, log } = this.deps;
    const agentId = observation.sessions.find((session) => session.sessionId === sessionId)?.agentId ?? '';
    try {
      const result = await store.reapSession(sessionId, beat);
      instruments.reaps.inc({ result });
      if (result !== 'reaped') return;
      log.info({ silentAgentId: agentId, sessionId, beat }, 'session reaped: silent for its whole TTL');
      this.handlers.reaped(agentId);
    } catch (error) {
      instruments.reaps.inc({ result: 'failed' });
      throw error;
    }
  }
}
