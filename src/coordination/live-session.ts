// One session from its registration to its end: the loops that live in it, and who tells whom. A new session starts all of
// them anew, so that nothing survives that the old one believed.
import { lostConnectionTrustMs } from '../domain/crash-watch.ts';
import { COORDINATOR, leaseKeyText, type Term } from '../domain/lease.ts';
import type { PlanFigures } from '../metrics/probe.ts';
import { Bell } from '../platform/bell.ts';
import type { TimeBudget } from '../domain/session.ts';
import { Scope } from '../platform/scope.ts';
import type { SignalKind } from '../signals/signals.ts';
import type { Reclaim, ReleaseOutcome } from '../store/leases.ts';
import type { AgentEvent, LeaseLostReason } from './agent-events.ts';
import type { HeldTerm } from './agent-view.ts';
import type { BrokerWatch } from './broker-watch.ts';
import type { Candidacies } from './candidacies.ts';
import { purgeLoop } from './retention.ts';
import type { CoordinationDeps } from './deps.ts';
import { Elector } from './elector.ts';
import { Handoff } from './handoff.ts';
import { Heartbeat, type HeartbeatHandlers, type SessionEnd } from './heartbeat.ts';
import { Holdings, type PartitionTerm } from './holdings.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type { PlacementOptions } from './placement.ts';
import { Progress } from './progress.ts';
import { Reaper } from './reaper.ts';
import { Rebalancer } from './rebalancer.ts';
import type { Registered } from './registration.ts';
import { Resync } from './resync.ts';
import { ServingTeller } from './serving.ts';
import { supervise } from './supervise.ts';

export interface LiveSessionOptions {
  readonly agentId: string;
  readonly group: string;
  readonly budget: TimeBudget;
  readonly pollMs: number;
  readonly detectsCrashes: boolean;
  readonly pingMs: number;
  readonly settleMs: number;
  readonly retentionMs: number;
  /** How long a broker has to acknowledge that it gave a partition up, milliseconds. */
  readonly handoffTimeoutMs: number;
  readonly placement: PlacementOptions;
  /** What the session before this one trusted when a new era ended it. */
  readonly reclaim: Reclaim | undefined;
}

/** What a session is given beside its stores and clocks: the broker it leads for, and who hears what happens. */
export interface Surroundings {
  readonly broker: BrokerWatch;
  readonly elections: Candidacies;
  tell(events: readonly AgentEvent[]): void;
}

export class LiveSession {
  readonly sessionId: string;
  /** Rung when trust ends sooner than it was said to. */
  readonly trustBell = new Bell();
  private readonly deps: CoordinationDeps;
  private readonly options: LiveSessionOptions;
  private readonly registered: Registered;
  private readonly holdings: Holdings;
  private readonly heartbeat: Heartbeat;
  private readonly keeper: LeaseKeeper;
  private readonly elector: Elector;
  private readonly reaper: Reaper;
  private readonly rebalancer: Rebalancer;
  private readonly handoff: Handoff;
  private readonly serving: ServingTeller;
  private readonly surroundings: Surroundings;
  private readonly progress = new Progress();
  /** Settles when the candidates beside this agent have stood down, or their time for it is over. */
  private candidatesDone: Promise<void> = Promise.resolve();
  /** Rung by every change of what is held. */
  private readonly heldBell = new Bell();
  private relinquished = false;
  private readonly resync: Resync;

  constructor(
    deps: CoordinationDeps,
    registered: Registered,
    surroundings: Surroundings,
    options: LiveSessionOptions,
  ) {
    const { sessionId } = registered;
    const { agentId, group, budget, pollMs, detectsCrashes, pingMs, settleMs, placement } = options;
    const tickMs = budget.heartbeatIntervalMs;
    this.deps = deps;
    this.options = options;
    this.registered = registered;
    this.sessionId = sessionId;
    this.surroundings = surroundings;
    const tell = (events: readonly AgentEvent[]): void => {
      surroundings.tell(events);
      this.heldBell.ring();
    };
    this.holdings = new Holdings(deps, sessionId, tell, options.reclaim);
    this.handoff = new Handoff(deps, this.holdings, {
      timeoutMs: options.handoffTimeoutMs,
      isBrokerAttached: () => surroundings.broker.isAttached,
    });
    this.resync = new Resync(deps, tickMs, () => this.lookAtEverything());
    this.serving = new ServingTeller(deps, sessionId, registered.serving);
    this.heartbeat = new Heartbeat(deps, budget);
    this.rebalancer = new Rebalancer(deps, {
      group,
      sessionId,
      settleMs,
      pingMs,
      placement,
      roundMsMax: tickMs,
      onRound: () => this.progress.made('planning'),
    });
    this.keeper = new LeaseKeeper(deps, this.holdings, this.handoff, {
      agentId,
      tickMs,
      onGeneration: (generation) => {
        this.rebalancer.noteGeneration(generation);
        surroundings.tell([{ type: 'assignment.changed', generation }]);
      },
    });
    this.elector = new Elector(deps, this.holdings, {
      role: COORDINATOR,
      tickMs: budget.ttlMs,
      // The reaper's looks find a vacancy; these are for the case that they do not.
      vacancyLookMs: 10 * budget.ttlMs,
    });
    this.reaper = new Reaper(
      deps,
      { sessionId, budget, pollMs, pingMs, detectsCrashes },
      {
        vacant: () => this.elector.look(),
        retired: () => deps.signals.publish('vacancy'),
        members: (sessions) => {
          this.progress.made('watching');
          this.rebalancer.noteMembers(sessions);
        },
        reaped: () => deps.signals.publish('membership'),
      },
    );
  }

  trustedForMs(): number {
    return this.relinquished ? 0 : this.registered.trust.forMs();
  }

  /** From here on nothing is acted on: it is about to be given up, and heartbeats only keep others from judging us. */
  relinquish(): void {
    this.relinquished = true;
  }

  isCoordinator(): boolean {
    return this.elector.term !== undefined && this.trustedForMs() > 0;
  }

  /** Whether its end leaves the coordinator's role vacant. */
  hasCoordinatorRole(): boolean {
    return this.holdings.get(COORDINATOR) !== undefined;
  }

  /** What this coordinator's last plan says; undefined unless it is one. */
  async planFigures(): Promise<PlanFigures | undefined> {
    const figures = await this.rebalancer.figures();
    return this.isCoordinator() ? figures : undefined;
  }

  /** Partition terms held, whether or not the session is trusted now. */
  held(): readonly HeldTerm[] {
    return this.keeper.held();
  }

  /**
   * What the next session may have back in the quarantine of `era`. Not the coordinator's role: nothing that moves could be had
   * meanwhile, and half of the agents may not have come back yet.
   */
  reclaimIn(era: number): Reclaim {
    const trusted = new Set(
      [...this.holdings.partitions(), ...this.holdings.roles()].map(({ key }) => leaseKeyText(key)),
    );
    trusted.delete(leaseKeyText(COORDINATOR));
    return { era, has: (key) => trusted.has(leaseKeyText(key)) };
  }

  /** The broker is done with these terms. */
  async acknowledge(terms: readonly PartitionTerm[]): Promise<readonly ReleaseOutcome[]> {
    try {
      return await this.handoff.acknowledge(terms);
    } finally {
      // What the plan still wants here begins anew; what the store could not be told is told again.
      this.keeper.look();
    }
  }

  /** The broker came, went, died or came back. */
  brokerChanged(): void {
    const isDown = this.surroundings.broker.down !== undefined;
    this.serving.set(isDown ? 'broker_down' : 'serving');
    if (isDown) this.keeper.leave();
    else this.keeper.stay();
  }

  /** Candidates that lead were told to stop when this session was: resolves when they have, or their time for it is over. */
  async candidatesStoodDown(): Promise<void> {
    await this.candidatesDone;
  }

  /** The session is over: whatever is still held ends with it. */
  close(lost: LeaseLostReason): void {
    this.holdings.endAll(lost);
  }

  /**
   * Hands everything over in two phases while heartbeats go on: others plan for our partitions at once, and take each as soon as the
   * broker lets go of it. Resolves when nothing is held any more, or at `byMs` (monotonic clock), or when trust has passed.
   */
  async handOff(byMs: number): Promise<void> {
    const { clock, log } = this.deps;
    using scope = new Scope(new AbortController().signal);
    this.keeper.leave(byMs);
    this.serving.set('stopping');
    const { broker } = this.surroundings;
    const unsubscribe = broker.onChange(() => this.keeper.look());
    const loops = [
      supervise({ log, clock }, 'lease keeper', () => this.keeper.run(scope.signal), scope.signal),
      supervise({ log, clock }, 'serving', () => this.serving.run(scope.signal), scope.signal),
      this.resignCoordinator(),
    ];
    while (this.held().length > 0 && this.trustedForMs() > 0) {
      const restMs = byMs - clock.monotonicMs();
      if (restMs <= 0) break;
      await this.heldBell.wait(clock, Math.min(restMs, this.trustedForMs()), scope.signal);
    }
    unsubscribe();
    scope.end();
    await Promise.all(loops);
    // Whoever has not answered by now had its time. What the store cannot be told ends with the session.
    await this.handoff.settle().catch((error: unknown) => log.info({ err: error }, 'cannot release yet'));
  }

  /**
   * Lives until the session is over or `stop` aborts. When stopped, the loops end first; heartbeats go on while `end` hands
   * over and ends the session, so that nobody judges it meanwhile. A lost session is not ended again.
   */
  async run(stop: AbortSignal, end: (why: SessionEnd) => Promise<void>): Promise<SessionEnd> {
    const { signals } = this.deps;
    using work = new Scope(stop);
    using beating = new Scope(new AbortController().signal);
    const unsubscribe = signals.subscribe((kind, agents) => this.hear(kind, agents, work.signal));
    const unwatch = this.surroundings.broker.onChange(() => this.brokerChanged());
    const forgetConnection = this.deps.onConnectionLost(() => this.connectionLost());
    this.brokerChanged();
    const heartbeats = this.heartbeat.run(this.registered, this.heartbeatHandlers(), beating.signal);
    const loops = this.startLoops(work.signal);
    this.candidatesDone = supervise(
      this.deps,
      'elections',
      () => this.takePartInElections(work.signal),
      work.signal,
    );
    const stopped = new Promise<SessionEnd>((resolve) => {
      work.signal.addEventListener('abort', () => resolve({ why: 'stopped' }), { once: true });
      if (work.signal.aborted) resolve({ why: 'stopped' });
    });
    const why = await Promise.race([heartbeats, stopped]);
    unsubscribe();
    unwatch();
    work.end();
    await Promise.all(loops);
    if (why.why !== 'lost') await end(why);
    await this.candidatesDone;
    beating.end();
    await heartbeats;
    forgetConnection();
    return why;
  }

  /** Others may soon take this for our death: until a heartbeat proves otherwise we act for less time than they wait (domain/crash-watch.ts). */
  private connectionLost(): void {
    this.deps.log.info(
      { trustedForMs: lostConnectionTrustMs },
      'coordination connection lost; proving the session anew',
    );
    this.registered.trust.limitTo(lostConnectionTrustMs);
    this.trustBell.ring();
    this.heartbeat.now();
  }

  /** What was proven before says nothing any more, also if the clocks should come together again. */
  clockStepped(): void {
    this.registered.trust.limitTo(0);
    this.trustBell.ring();
    this.heartbeat.now();
  }

  private startLoops(signal: AbortSignal): Promise<void>[] {
    const { log, clock } = this.deps;
    const lead = async (term: Term, leading: AbortSignal): Promise<void> => {
      await Promise.all([
        supervise({ log, clock }, 'rebalancer', () => this.rebalancer.run(term, leading), leading),
        purgeLoop(this.deps, this.options.retentionMs, leading),
      ]);
    };
    return [
      supervise({ log, clock }, 'lease keeper', () => this.keeper.run(signal), signal),
      supervise({ log, clock }, 'elector', () => this.elector.run(lead, signal), signal),
      supervise({ log, clock }, 'reaper', () => this.reaper.run(signal), signal),
      supervise({ log, clock }, 'serving', () => this.serving.run(signal), signal),
    ];
  }

  /** Operators ask through the store; the heartbeat that brought it must not wait for what follows. */
  private obeyRequests(): void {
    const requests = this.holdings.releaseRequests();
    if (requests.some(({ key }) => key.kind === 'partition')) this.keeper.look();
    for (const { key } of requests) {
      if (key.kind === 'role') this.surroundings.elections.resignRequested(key.name);
    }
  }

  /** Somebody else must plan where our partitions go. Failing that, the role ends with the session. */
  private async resignCoordinator(): Promise<void> {
    const term = this.holdings.get(COORDINATOR);
    if (term === undefined) return;
    try {
      await this.holdings.release([term], 'released');
      this.deps.signals.publish('vacancy');
    } catch (error) {
      this.deps.log.info({ err: error }, 'cannot resign as coordinator yet');
    }
  }

  private async takePartInElections(signal: AbortSignal): Promise<void> {
    const { sessionId, holdings, elector: coordinator } = this;
    const session = { sessionId, holdings, coordinator, trustedForMs: () => this.trustedForMs() };
    const { budget } = this.options;
    await this.surroundings.elections.run(this.deps, session, budget.heartbeatIntervalMs, signal);
  }

  private heartbeatHandlers(): HeartbeatHandlers {
    return {
      progress: () => (this.elector.term === undefined ? null : this.progress.stamp),
      beforeTrust: async ({ holdingsVersion, assignmentGeneration }) => {
        await this.holdings.catchUp(holdingsVersion);
        this.obeyRequests();
        this.elector.checkTerm();
        this.surroundings.elections.checkTerms();
        this.keeper.noteGeneration(assignmentGeneration);
        this.rebalancer.noteGeneration(assignmentGeneration);
      },
      failed: () => this.reaper.void(),
    };
  }

  private lookAtEverything(): void {
    this.elector.look();
    this.surroundings.elections.look();
    this.keeper.assignmentChanged();
    this.rebalancer.changed('membership');
    this.heartbeat.now();
  }

  private hear(kind: SignalKind, agents: readonly string[] | undefined, ending: AbortSignal): void {
    this.deps.instruments.signals.inc({ kind });
    switch (kind) {
      case 'membership':
        this.reaper.coordinatorMayHaveGone();
        this.surroundings.elections.look();
        this.rebalancer.changed('membership');
        break;
      case 'vacancy':
        this.reaper.coordinatorIsGone();
        break;
      case 'topics':
        this.rebalancer.changed('topics');
        break;
      case 'assignment':
        // Whom it does not concern hears of the generation by its next heartbeat: a thousand agents do not all read for each move.
        if (agents === undefined || agents.includes(this.options.agentId)) this.keeper.assignmentChanged();
        break;
      case 'leases':
        this.keeper.leasesFreed();
        this.surroundings.elections.look();
        break;
      case 'session':
        this.heartbeat.now();
        break;
      case 'resync':
        void this.resync.soon(ending);
        break;
      case 'ping':
        this.reaper.coordinatorHeard();
        break;
      case 'routes':
      case 'segments':
      case 'written':
        break;
    }
  }
}
