// The agent: opens the store, registers, lives, and when its session is lost, registers anew; until it is told to stop.
import { StoreUnavailable } from '../domain/refusal.ts';
import type { TimeBudget } from '../domain/session.ts';
import type { Instruments } from '../metrics/instruments.ts';
import { Backoff } from '../platform/backoff.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { Scope } from '../platform/scope.ts';
import type { Signals } from '../signals/signals.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import type { AgentDescription } from '../store/sessions.ts';
import type { ReleaseOutcome } from '../store/leases.ts';
import type {
  AgentRunState,
  AgentStatus,
  AgentView,
  Change,
  Held,
  HeldTerm,
  ReadinessCheck,
} from './agent-view.ts';
import { Candidacies } from './candidacies.ts';
import { EventJournal } from './event-journal.ts';
import type { PartitionTerm } from './holdings.ts';
import type { CoordinationDeps } from './deps.ts';
import type { SessionEnd } from './heartbeat.ts';
import { LiveSession } from './live-session.ts';
import { register } from './registration.ts';

export interface OpenedStore extends AsyncDisposable {
  readonly store: MetadataStore;
  readonly signals: Signals;
}

export interface AgentDeps {
  /** Opens the store once. StoreUnavailable: tried again for ever; StoreMisconfigured: `run` fails with it. */
  readonly open: () => Promise<OpenedStore>;
  readonly clock: Clock;
  readonly random: () => number;
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
  readonly pingMs: number;
  readonly settleMs: number;
}

/** Events kept for readers that reconnect: a takeover of thousands of partitions fits. */
const journalCapacity = 16_384;
/** A candidate that is told to stop has this long to say that it has, milliseconds; a stop of the agent waits for half its time. */
const standDownMsMax = 10_000;

export class Agent implements AgentView, AsyncDisposable {
  readonly journal = new EventJournal({ capacity: journalCapacity });
  readonly elections: Candidacies;
  private readonly deps: AgentDeps;
  private readonly options: AgentOptions;
  private opened: OpenedStore | undefined;
  private session: LiveSession | undefined;
  private phase: 'starting' | 'waiting' | 'live' | 'draining' | 'stopped' = 'starting';
  private detail: string | null = 'opening the store';

  constructor(deps: AgentDeps, options: AgentOptions) {
    this.deps = deps;
    this.options = options;
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
      this.phase = 'stopped';
      return;
    }
    this.opened = opened;
    const deps: CoordinationDeps = { ...this.deps, store: opened.store, signals: opened.signals };
    try {
      while (!stop.aborted) await this.liveOnce(deps, stop);
    } finally {
      this.elections.close();
      this.phase = 'stopped';
      this.detail = null;
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
      detail: state === 'suspended' ? 'the store has accepted no heartbeat for too long' : this.detail,
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

  attachBroker(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  async acknowledge(terms: readonly PartitionTerm[]): Promise<readonly ReleaseOutcome[]> {
    throw new Error(`not yet: ${terms.length}`);
  }

  readiness(): readonly ReadinessCheck[] {
    const { state, detail, trustedForMs } = this.status();
    const signals = this.opened?.signals.health();
    return [
      { name: 'session', ok: state === 'active', detail: detail ?? state },
      {
        name: 'store',
        ok: trustedForMs > 0,
        detail: trustedForMs > 0 ? `proven; trusted for ${trustedForMs} ms` : 'no fresh answer of the store',
      },
      { name: 'signals', ok: signals?.ok ?? false, detail: signals?.detail ?? 'not started' },
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
    return trustedForMs > 0 ? 'active' : 'suspended';
  }

  private async openStore(stop: AbortSignal): Promise<OpenedStore | undefined> {
    const { clock, log, random } = this.deps;
    const backoff = new Backoff({ firstMs: 200, maxMs: 5_000, random });
    while (!stop.aborted) {
      try {
        return await this.deps.open();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
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
    this.phase = 'starting';
    this.detail = 'registering';
    const onWaiting = (detail: string): void => {
      this.phase = 'waiting';
      this.detail = detail;
    };
    const registered = await register(deps, this.options, onWaiting, stop);
    if (registered === undefined) return;
    const { elections } = this;
    const options = { ...this.options, agentId: agent.agentId, group, elections };
    const session = new LiveSession(deps, registered, options);
    this.session = session;
    this.phase = 'live';
    this.detail = null;
    log.info({ sessionId: session.sessionId, ttlMs: budget.ttlMs }, 'session registered');
    deps.signals.publish('membership');
    using watching = new Scope(new AbortController().signal);
    const watch = this.watchTrust(session, watching.signal);
    const end = await session.run(stop, async (why) => {
      watching.end();
      await this.handOver(deps, session, why);
    });
    watching.end();
    await watch;
    this.session = undefined;
    if (end.why === 'lost') {
      const leases = session.held().length;
      instruments.leasesLost.inc({ reason: 'session_lost' }, leases);
      log.warn(
        { sessionId: session.sessionId, reason: end.reason, leases },
        'session lost; registering anew',
      );
    }
  }

  /** Everything is given up and the session ended, in one transaction. With the store away, the TTL does the rest. */
  private async handOver(deps: CoordinationDeps, session: LiveSession, end: SessionEnd): Promise<void> {
    const { clock, log, random, signals, store } = deps;
    const startedMs = clock.monotonicMs();
    const deadlineMs = startedMs + this.options.shutdownTimeoutMs;
    const leases = session.held().length;
    this.phase = 'draining';
    this.detail = 'handing over';
    session.relinquish();
    const backoff = new Backoff({ firstMs: 50, maxMs: 1_000, random });
    while (clock.monotonicMs() < deadlineMs) {
      try {
        await store.endSession(session.sessionId, end.why === 'end_requested' ? 'removed' : 'deregistered');
        signals.publish('membership');
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

  /** Says when trust has passed and when it is back; what acts on it asks `held` itself. */
  private async watchTrust(session: LiveSession, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    let trusted = true;
    while (!signal.aborted) {
      const forMs = session.trustedForMs();
      if (trusted !== forMs > 0) {
        trusted = forMs > 0;
        const fields = { sessionId: session.sessionId, leases: session.held().length };
        if (trusted) log.info(fields, 'session resumed: the store accepted a heartbeat');
        else log.warn(fields, 'session suspended: no proof of it for too long');
      }
      await clock.sleep(trusted ? Math.min(Math.max(forMs, 10), 500) : 50, signal);
    }
  }
}
