// The agent: opens the store, registers, lives, and when its session is lost, registers anew; until it is told to stop.
import { Refusal, StoreUnavailable } from '../domain/refusal.ts';
import type { TimeBudget } from '../domain/session.ts';
import type { Instruments } from '../metrics/instruments.ts';
import type { PlanFigures } from '../metrics/probe.ts';
import type { BrokerState } from '../metrics/table/agent.ts';
import { Backoff } from '../platform/backoff.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { Scope } from '../platform/scope.ts';
import type { Signals } from '../signals/signals.ts';
import type { Lookups } from '../store/lookups.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import type { AgentDescription } from '../store/sessions.ts';
import type { Reclaim, ReleaseOutcome } from '../store/leases.ts';
import type { AgentStatus, AgentView, Change, Held, HeldTerm, ReadinessCheck } from './agent-view.ts';
import type { AgentEvent } from './agent-events.ts';
import type { AgentRunState } from './agent-run-state.ts';
import { BrokerWatch, type BrokerWatchOptions } from './broker-watch.ts';
import { Candidacies } from './candidacies.ts';
import { EventJournal } from './event-journal.ts';
import type { PartitionTerm } from './holdings.ts';
import type { CrashDetectionHealth } from './crash-detection.ts';
import type { CoordinationDeps } from './deps.ts';
import type { SessionEnd } from './heartbeat.ts';
import { LiveSession } from './live-session.ts';
import type { PlacementOptions } from './placement.ts';
import { register } from './registration.ts';
import { watchStalls } from './stall-watch.ts';

export interface OpenedStore extends AsyncDisposable {
  readonly store: MetadataStore;
  /** What clients look up, maybe from memory; default: `store` itself. */
  readonly lookups?: Lookups;
  readonly signals: Signals;
  readonly onConnectionLost: CoordinationDeps['onConnectionLost'];
  /** Whether others can see that this agent lives, now. */
  readonly crashDetection: () => CrashDetectionHealth;
}

export interface AgentDeps {
  /** Asks the broker whether it is well, bounded in time; undefined: it is not asked. */
  readonly askBrokerHealth?: (() => Promise<void>) | undefined;
  /** Opens the store once, unless `stop` aborts first. StoreUnavailable: tried again for ever; StoreMisconfigured: `run` fails with it. */
  readonly open: (stop: AbortSignal) => Promise<OpenedStore>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly newSessionId?: CoordinationDeps['newSessionId'];
  readonly log: Logger;
  readonly instruments: Instruments;
}

export interface AgentOptions {
  readonly agent: AgentDescription;
  readonly group: string;
  readonly budget: TimeBudget;
  /** Host and pid, for people. */
  readonly process: string;
  readonly shutdownTimeoutMs: number;
  readonly retentionMs: number;
  /** How often coordinator and deputies look at the sessions, milliseconds. */
  readonly pollMs: number;
  /** Whether agents that crashed are found by their connections, before their TTL is over. */
  readonly detectsCrashes: boolean;
  readonly pingMs: number;
  readonly settleMs: number;
  readonly handoffTimeoutMs: number;
  readonly placement: PlacementOptions;
  readonly broker: BrokerWatchOptions;
}

/** Of the whole graceful stop, what brokers may use; the rest is for ending the session. */
const handoffShare = 0.8;
/** Events kept for readers that reconnect: a takeover of thousands of partitions fits. */
const journalCapacity = 16_384;
/** A candidate that is told to stop has this long to say that it has, milliseconds; a stop of the agent waits for half its time. */
const standDownMsMax = 10_000;

export class Agent implements AgentView, AsyncDisposable {
  readonly journal = new EventJournal({ capacity: journalCapacity });
  readonly elections: Candidacies;
  private readonly deps: AgentDeps;
  private readonly options: AgentOptions;
  private readonly broker: BrokerWatch;
  private opened: OpenedStore | undefined;
  private session: LiveSession | undefined;
  private phase: 'starting' | 'waiting' | 'live' | 'draining' | 'stopped' = 'starting';
  private detail: string | null = 'opening the store';
  private stateTold: AgentRunState | undefined;
  /** Steps of the wall clock that were noticed. */
  private clockSteps = 0;
  /** Of the session that was lost last, for the next one alone. */
  private reclaim: Reclaim | undefined;

  constructor(deps: AgentDeps, options: AgentOptions) {
    this.deps = deps;
    this.options = options;
    const { clock, log, askBrokerHealth: askHealth } = deps;
    this.broker = new BrokerWatch({ clock, log, askHealth }, options.broker);
    const standDownMs = Math.min(standDownMsMax, options.shutdownTimeoutMs / 2);
    this.elections = new Candidacies({ ...deps, journal: this.journal }, { standDownMs });
  }

  /**
   * Runs until `stop` aborts, then hands over and resolves. Rejects with StoreMisconfigured or NameTaken: a person must act.
   * The store stays open for requests that are still being answered, until the agent is disposed of.
   */
  async run(stop: AbortSignal): Promise<void> {
    const opened = await this.openStore(stop);
    if (opened === undefined) {
      this.elections.close();
      this.enter('stopped', null);
      return;
    }
    this.opened = opened;
    const { store, signals, onConnectionLost } = opened;
    const deps: CoordinationDeps = { ...this.deps, store, signals, onConnectionLost };
    using watching = new Scope(new AbortController().signal);
    const unsubscribe = this.broker.onChange(() => this.tellState());
    const broker = this.broker.run(watching.signal);
    const worthMs = this.options.budget.trustMarginMs / 2;
    const onClockStep = (): void => {
      this.clockSteps += 1;
      this.session?.clockStepped();
    };
    const stalls = watchStalls(this.deps, { worthMs, onClockStep }, watching.signal);
    try {
      while (!stop.aborted) await this.liveOnce(deps, stop);
    } finally {
      unsubscribe();
      watching.end();
      await Promise.all([broker, stalls]);
      this.elections.close();
      this.enter('stopped', null);
    }
  }

  /** Closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened?.[Symbol.asyncDispose]();
    this.opened = undefined;
  }

  get store(): MetadataStore | undefined {
    return this.opened?.store;
  }

  get lookups(): Lookups | undefined {
    return this.opened?.lookups ?? this.opened?.store;
  }

  /** Undefined before the store is open. */
  get crashDetection(): CrashDetectionHealth | undefined {
    return this.opened?.crashDetection();
  }

  get placement(): PlacementOptions {
    return this.options.placement;
  }

  get sessionId(): string | null {
    return this.session?.sessionId ?? null;
  }

  status(): AgentStatus {
    const { agent, group } = this.options;
    const trustedForMs = this.trustedForMs();
    const state = this.state(trustedForMs);
    return {
      agentId: agent.agentId,
      group,
      zone: agent.zone,
      state,
      detail: this.detailOf(state),
      sessionId: this.sessionId,
      isCoordinator: this.session?.isCoordinator() ?? false,
      trustedForMs,
      leases: trustedForMs > 0 ? (this.session?.held().length ?? 0) : 0,
    };
  }

  held(): Held {
    const trustedForMs = this.trustedForMs();
    if (this.session === undefined || trustedForMs === 0) return { trustedForMs: 0, terms: [] };
    return { trustedForMs, terms: this.session.held() };
  }

  holds(): readonly HeldTerm[] {
    return this.session?.held() ?? [];
  }

  /** What this agent's last plan says, when it is the coordinator. */
  async planFigures(): Promise<PlanFigures | undefined> {
    return this.session?.planFigures();
  }

  get brokerState(): BrokerState {
    return this.broker.state;
  }

  attachBroker(): Disposable {
    return this.broker.attach();
  }

  async acknowledge(terms: readonly PartitionTerm[]): Promise<readonly ReleaseOutcome[]> {
    if (this.session === undefined) throw new Refusal('session_lost', 'this agent has no session now');
    return this.session.acknowledge(terms);
  }

  readiness(): readonly ReadinessCheck[] {
    const { state, detail, trustedForMs } = this.status();
    const signals = this.opened?.signals.health();
    return [
      // With its broker down an agent is still of use: a broker that waits for it to be ready may start.
      { name: 'session', ok: state === 'active' || state === 'broker_down', detail: detail ?? state },
      {
        name: 'store',
        ok: trustedForMs > 0,
        detail: trustedForMs > 0 ? `proven; trusted for ${trustedForMs} ms` : 'no fresh answer of the store',
      },
      { name: 'signals', ok: signals?.ok ?? false, detail: signals?.detail ?? 'not started' },
      // Without it a crash is noticed later, and nothing else is different: this agent is as ready as any.
      { name: 'crash_detection', ok: true, detail: this.crashDetection?.detail ?? 'not started' },
    ];
  }

  announce(change: Change): void {
    this.opened?.signals.publish(change);
  }

  /** Whole milliseconds, rounded down. */
  private trustedForMs(): number {
    return Math.floor(this.session?.trustedForMs() ?? 0);
  }

  private state(trustedForMs: number): AgentRunState {
    if (this.phase !== 'live') return this.phase;
    if (trustedForMs === 0) return 'suspended';
    return this.broker.down === undefined ? 'active' : 'broker_down';
  }

  private detailOf(state: AgentRunState): string | null {
    if (state === 'suspended') return 'the store has accepted no heartbeat for too long';
    return state === 'broker_down' ? `the broker is down: ${this.broker.down}` : this.detail;
  }

  private enter(phase: typeof this.phase, detail: string | null): void {
    this.phase = phase;
    this.detail = detail;
    this.tellState();
  }

  /** Tells readers of events this agent's state, when it is another than the last told. */
  private tellState(): void {
    const { state, agentId } = this.status();
    if (state === this.stateTold) return;
    this.stateTold = state;
    this.tell([{ type: 'agent.changed', agentId, state }]);
  }

  private tell(events: readonly AgentEvent[]): void {
    this.journal.append(this.sessionId, events);
  }

  private async openStore(stop: AbortSignal): Promise<OpenedStore | undefined> {
    const { clock, log, random } = this.deps;
    const backoff = new Backoff({ firstMs: 200, maxMs: 5_000, random });
    while (!stop.aborted) {
      try {
        return await this.deps.open(stop);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        if (stop.aborted) break;
        const waitMs = backoff.nextMs();
        this.detail = `waiting for the store: ${error.message}`;
        log.warn({ err: error, retryInMs: Math.round(waitMs) }, 'waiting for the store');
        await clock.sleep(waitMs, stop);
      }
    }
    return undefined;
  }

  private async liveOnce(deps: CoordinationDeps, stop: AbortSignal): Promise<void> {
    const { log, instruments } = this.deps;
    const { agent, group, budget } = this.options;
    this.enter('starting', 'registering');
    const onWaiting = (detail: string): void => this.enter('waiting', detail);
    const registration = {
      ...this.options,
      serving: () => (this.broker.down === undefined ? ('serving' as const) : ('broker_down' as const)),
    };
    const stepsBefore = this.clockSteps;
    const registered = await register(deps, registration, onWaiting, stop);
    if (registered === undefined) return;
    const surroundings = {
      broker: this.broker,
      elections: this.elections,
      tell: (events: readonly AgentEvent[]) => this.tell(events),
    };
    const session = new LiveSession(deps, registered, surroundings, {
      ...this.options,
      agentId: agent.agentId,
      group,
      reclaim: this.reclaim,
    });
    this.reclaim = undefined;
    if (this.clockSteps > stepsBefore) session.clockStepped();
    this.session = session;
    this.enter('live', null);
    log.info({ sessionId: session.sessionId, ttlMs: budget.ttlMs }, 'session registered');
    using watching = new Scope(new AbortController().signal);
    const watch = this.watchTrust(session, watching.signal);
    const end = await session.run(stop, (why) => this.handOver(deps, session, why, () => watching.end()));
    watching.end();
    await watch;
    if (end.why === 'lost') {
      if (end.reclaimEra !== undefined) this.reclaim = session.reclaimIn(end.reclaimEra);
      const leases = session.held().length;
      instruments.leasesLost.inc({ reason: 'session_lost' }, leases);
      log.warn(
        { sessionId: session.sessionId, reason: end.reason, leases },
        'session lost; registering anew',
      );
      this.tell([{ type: 'session.suspended', reason: `the session is over: ${end.reason}` }]);
      session.close('session_lost');
    }
    this.session = undefined;
  }

  /**
   * A broker that is attached is asked for everything first, unless an operator forces the end; the rest is given up with the
   * session, in one transaction. With the store away, the TTL does it.
   */
  private async handOver(
    deps: CoordinationDeps,
    session: LiveSession,
    end: SessionEnd,
    onRelinquish: () => void,
  ): Promise<void> {
    const { clock, log, random, signals, store } = deps;
    const startedMs = clock.monotonicMs();
    const deadlineMs = startedMs + this.options.shutdownTimeoutMs;
    const leases = session.held().length;
    this.enter('draining', 'handing over');
    const { handoffTimeoutMs, shutdownTimeoutMs } = this.options;
    const byMs = startedMs + Math.min(handoffTimeoutMs, handoffShare * shutdownTimeoutMs);
    const isAsked = this.broker.isAttached && end.why === 'stopped';
    await Promise.all([isAsked && session.handOff(byMs), session.candidatesStoodDown()]);
    const leavesVacancy = session.hasCoordinatorRole();
    onRelinquish();
    session.relinquish();
    session.close(end.why === 'end_requested' ? 'removed' : 'deregistered');
    const backoff = new Backoff({ firstMs: 50, maxMs: 1_000, random });
    while (clock.monotonicMs() < deadlineMs) {
      try {
        await store.endSession(session.sessionId, end.why === 'end_requested' ? 'removed' : 'deregistered');
        signals.publish('membership');
        if (leavesVacancy) signals.publish('vacancy');
        log.info(
          { leases, tookMs: Math.round(clock.monotonicMs() - startedMs) },
          'handed over, session ended',
        );
        return;
      } catch (error) {
        const waitMs = Math.min(backoff.nextMs(), Math.max(0, deadlineMs - clock.monotonicMs()));
        log.warn({ err: error, retryInMs: Math.round(waitMs) }, 'cannot end the session yet');
        await clock.sleep(waitMs);
      }
    }
    log.warn({ leases }, 'stopping without the store: the session ends by its TTL');
  }

  /** Tells when trust has passed and when it is back; what acts on it asks `held` itself. */
  private async watchTrust(session: LiveSession, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    const { sessionId } = session;
    let trusted = false;
    let suspensions = 0;
    while (!signal.aborted) {
      const forMs = session.trustedForMs();
      if (trusted !== forMs > 0) {
        trusted = forMs > 0;
        const fields = { sessionId, leases: session.held().length };
        if (trusted) {
          if (suspensions > 0) log.info(fields, 'session resumed: the store accepted a heartbeat');
          this.tell([{ type: 'session.resumed', sessionId }]);
        } else {
          suspensions += 1;
          log.warn(fields, 'session suspended: no proof of it for too long');
          this.tell([
            { type: 'session.suspended', reason: 'the store has accepted no heartbeat for too long' },
          ]);
        }
        this.tellState();
      }
      await session.trustBell.wait(clock, trusted ? Math.min(Math.max(forMs, 10), 500) : 50, signal);
    }
  }
}
