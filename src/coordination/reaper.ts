// Watches sessions and ends the silent and the crashed ones (DESIGN 3.2 and 4). The coordinator watches everybody; two deputies watch the
// coordinator at the same pace, and a few more at the pace of a heartbeat, for the day when deputies die too. All others watch it at that pace
// as soon as they hear no pings of it, and look now and then all the same: what a thousand agents ask must not grow with their number. A
// coordinator that lives and makes no progress loses its role alone.
import { CrashWatch } from '../domain/crash-watch.ts';
import { SilenceWatch } from '../domain/silence-watch.ts';
import { StuckWatch } from '../domain/stuck-watch.ts';
import type { TimeBudget } from '../domain/session.ts';
import { Bell } from '../platform/bell.ts';
import type { Observation, ObservedSession, ReapAnswer } from '../store/sessions.ts';
import type { CoordinationDeps } from './deps.ts';

export interface ReaperOptions {
  readonly sessionId: string;
  readonly budget: TimeBudget;
  /** How often coordinator and deputies look, milliseconds. */
  readonly pollMs: number;
  /** How often a coordinator that plans pings, milliseconds. */
  readonly pingMs: number;
  /** Whether to end sessions whose agents have crashed before their TTL is over. */
  readonly detectsCrashes: boolean;
}

export interface ReaperHandlers {
  /** The coordinator's role is vacant, or named by a session that has ended, or may be so. */
  vacant(): void;
  /** The coordinator's role was taken from a session that made no progress: it is vacant. */
  retired(): void;
  /** All live sessions, at each look of the coordinator. */
  members(sessions: readonly ObservedSession[]): void;
  /** A session was ended: its leases are free. */
  reaped(agentId: string): void;
}

const deputies = 2;
/** The oldest agents beside the coordinator that watch it whatever they hear, deputies among them. */
const closeMax = 5;
/** The others, while they hear the coordinator, look after half of this to all of it, milliseconds. */
const distantLookMs = 90_000;
/** So many pings may be lost, or late, before a distant agent watches as closely as it can. */
const pingsMissedMax = 2;
/** Of the distant ones, when the role is given up: so many of them look that some do when all close ones have left as well. */
const distantLookShare = 1 / 4;
/** Between two looks, milliseconds. */
const minWaitMs = 20;

export class Reaper {
  private readonly deps: CoordinationDeps;
  private readonly options: ReaperOptions;
  private readonly handlers: ReaperHandlers;
  private readonly silence: SilenceWatch;
  private readonly crashes = new CrashWatch();
  private readonly progress: StuckWatch;
  private readonly bell = new Bell();
  private coordinating = false;
  /** By age, among those that do not coordinate; undefined when there are older ones than are looked at. */
  private rank: number | undefined = 0;
  private heardMs = Number.NEGATIVE_INFINITY;

  constructor(deps: CoordinationDeps, options: ReaperOptions, handlers: ReaperHandlers) {
    this.deps = deps;
    this.options = options;
    this.handlers = handlers;
    this.silence = new SilenceWatch({ gapMaxMs: options.budget.ttlMs / 2 });
    this.progress = new StuckWatch({ gapMaxMs: options.budget.ttlMs / 2 });
  }

  /**
   * Our own heartbeat did not get through: others' may not have either, though reads go on (a full disk, a stuck
   * primary). What we saw of their silence proves nothing.
   */
  void(): void {
    this.silence.void();
    this.crashes.void();
    this.progress.void();
  }

  /** Whether it is among the few that must find out at once what became of the coordinator. */
  get isClose(): boolean {
    return this.coordinating || this.rank !== undefined;
  }

  /** A coordinator that plans has said so. */
  coordinatorHeard(): void {
    this.heardMs = this.deps.clock.monotonicMs();
  }

  /** Looks now instead of when it is due. */
  lookNow(): void {
    this.bell.ring();
  }

  /** Somebody came or went, who knows who. Of a thousand agents that hear of it those look that are close to the coordinator. */
  coordinatorMayHaveGone(): void {
    if (this.isClose) this.handlers.vacant();
  }

  /** Nobody coordinates now. Those look that are close to who did, and by chance others. */
  coordinatorIsGone(): void {
    if (this.isClose) this.handlers.vacant();
    else if (this.deps.random() < distantLookShare) this.lookNow();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.deps;
    while (!signal.aborted) {
      let waitMs: number = this.options.budget.heartbeatIntervalMs;
      try {
        waitMs = await this.look();
      } catch (error) {
        this.void();
        log.debug({ err: error }, 'observation broken');
      }
      await this.rest(waitMs, signal);
    }
  }

  /** A long rest ends when the coordinator is not heard any more. */
  private async rest(forMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.deps;
    const { heartbeatIntervalMs } = this.options.budget;
    for (let restMs = forMs; restMs > 0 && !signal.aborted; restMs -= heartbeatIntervalMs) {
      const isRung = await this.bell.wait(clock, Math.min(restMs, heartbeatIntervalMs), signal);
      if (isRung || !this.hearsCoordinator()) return;
    }
  }

  private hearsCoordinator(): boolean {
    return this.deps.clock.monotonicMs() - this.heardMs <= pingsMissedMax * this.options.pingMs;
  }

  /** One look; answers how long to wait for the next. */
  private async look(): Promise<number> {
    const { store, clock } = this.deps;
    const askedMs = clock.monotonicMs();
    const everyone = this.coordinating;
    const observation = everyone
      ? await store.observeSessions()
      : await store.observeCoordinator(closeMax + 1);
    const { watched, pollMs } = this.duty(observation);
    const { connection, sessions } = observation;
    const seen = { askedMs, nowMs: clock.monotonicMs(), connection };
    // All that were read, watched or not: who becomes coordinator has been observed before, and how many vanish together tells whose fault it is.
    this.silence.observe({ ...seen, sessions });
    if (this.options.detectsCrashes) this.crashes.observe({ ...seen, sessions });
    this.progress.observe({ ...seen, coordinator: this.coordinatorIn(observation) });
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
      if (!isWatched(sessionId)) continue;
      await this.reap(sessionId, observation, 'silent for its whole TTL', () =>
        store.reapSession(sessionId, beat),
      );
    }
    await this.retireStuck();
    const nowMs = clock.monotonicMs();
    // Who looks less often than silences are observed waits for none.
    const isObservingSilence = pollMs <= this.options.budget.heartbeatIntervalMs;
    const next = Math.min(
      (isObservingSilence ? this.silence.nextSilenceInMs(nowMs) : undefined) ?? Infinity,
      this.crashes.nextInMs(nowMs) ?? Infinity,
    );
    // Right behind the end of a silence or a grace, but never a busy loop.
    return Math.max(Math.min(minWaitMs, pollMs), Math.min(pollMs, next + 5));
  }

  /** Another one, that tells how far it has got. */
  private coordinatorIn({ sessions, coordinatorSessionId, coordinatorEpoch }: Observation) {
    if (coordinatorEpoch === null || this.coordinating) return undefined;
    const { progress = null, ttlMs = 0 } =
      sessions.find(({ sessionId }) => sessionId === coordinatorSessionId) ?? {};
    if (coordinatorSessionId === null || progress === null) return undefined;
    return { sessionId: coordinatorSessionId, epoch: coordinatorEpoch, progress, ttlMs };
  }

  /**
   * Asked on the pool, not on our connection: who cannot reach the store by it could not plan either. A failure says nothing about what was
   * seen, so that the next look tries again.
   */
  private async retireStuck(): Promise<void> {
    const { store, instruments, log } = this.deps;
    const stuck = this.progress.stuck();
    // One that does not even beat is to be reaped.
    if (stuck === undefined || this.silence.silent().some((each) => each.sessionId === stuck.sessionId))
      return;
    try {
      const result = await store.retireCoordinator(stuck);
      if (result === 'changed') return;
      instruments.coordinatorsRetired.inc();
      log.warn(
        { sessionId: stuck.sessionId, epoch: stuck.epoch, progress: stuck.progress },
        'coordinator made no progress: its role is vacant',
      );
      this.handlers.retired();
    } catch (error) {
      log.info({ err: error }, 'cannot take the role from a coordinator that makes no progress');
    }
  }

  /** Whom to judge, and how soon to look again. */
  private duty({ sessions, coordinatorSessionId }: Observation): {
    readonly watched: (session: ObservedSession) => boolean;
    readonly pollMs: number;
  } {
    const { sessionId: own, pollMs } = this.options;
    this.coordinating = coordinatorSessionId === own;
    if (this.coordinating) return { watched: ({ sessionId }) => sessionId !== own, pollMs };
    const followers = sessions.filter(({ sessionId }) => sessionId !== coordinatorSessionId);
    const rank = followers.findIndex(({ sessionId }) => sessionId === own);
    this.rank = rank >= 0 && rank < closeMax ? rank : undefined;
    return { watched: ({ sessionId }) => sessionId === coordinatorSessionId, pollMs: this.paceMs() };
  }

  private paceMs(): number {
    const { pollMs, budget } = this.options;
    if (this.rank !== undefined) return this.rank < deputies ? pollMs : budget.heartbeatIntervalMs;
    if (!this.hearsCoordinator()) return budget.heartbeatIntervalMs;
    // At moments of their own: somebody of many looks soon.
    return distantLookMs * (0.5 + 0.5 * this.deps.random());
  }

  private async reap(
    sessionId: string,
    { sessions, coordinatorSessionId }: Observation,
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
      if (sessionId === coordinatorSessionId) this.handlers.vacant();
    } catch (error) {
      instruments.reaps.inc({ result: 'failed' });
      throw error;
    }
  }
}
