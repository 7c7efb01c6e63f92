// One session from its registration to its end: the loops that live in it, and who tells whom. A new session starts all of
// them anew, so that nothing survives that the old one believed.
import { COORDINATOR, type Term } from '../domain/lease.ts';
import type { TimeBudget } from '../domain/session.ts';
import { Scope } from '../platform/scope.ts';
import type { SignalKind } from '../signals/signals.ts';
import type { Candidacies } from './candidacies.ts';
import { purgeLoop } from './retention.ts';
import type { CoordinationDeps } from './deps.ts';
import { Elector } from './elector.ts';
import { Heartbeat, type HeartbeatHandlers, type SessionEnd } from './heartbeat.ts';
import { Holdings, type PartitionTerm } from './holdings.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { Reaper } from './reaper.ts';
import { Rebalancer } from './rebalancer.ts';
import type { Registered } from './registration.ts';
import { supervise } from './supervise.ts';

/** After a reconnection, agents look again within this time, milliseconds. */
const resyncSpreadMs = 500;

export interface LiveSessionOptions {
  readonly agentId: string;
  readonly group: string;
  readonly budget: TimeBudget;
  readonly pollMs: number;
  readonly pingMs: number;
  readonly settleMs: number;
  readonly retentionMs: number;
  readonly elections: Candidacies;
}

export class LiveSession {
  readonly sessionId: string;
  private readonly deps: CoordinationDeps;
  private readonly options: LiveSessionOptions;
  private readonly registered: Registered;
  private readonly holdings: Holdings;
  private readonly heartbeat: Heartbeat;
  private readonly keeper: LeaseKeeper;
  private readonly elector: Elector;
  private readonly reaper: Reaper;
  private readonly rebalancer: Rebalancer;
  private relinquished = false;

  constructor(deps: CoordinationDeps, registered: Registered, options: LiveSessionOptions) {
    const { sessionId } = registered;
    const { agentId, group, budget, pollMs, pingMs, settleMs } = options;
    const tickMs = budget.heartbeatIntervalMs;
    this.deps = deps;
    this.options = options;
    this.registered = registered;
    this.sessionId = sessionId;
    this.holdings = new Holdings(deps, sessionId);
    this.heartbeat = new Heartbeat(deps, budget);
    this.rebalancer = new Rebalancer(deps, { group, sessionId, settleMs, pingMs });
    this.keeper = new LeaseKeeper(deps, this.holdings, {
      agentId,
      tickMs,
      onGeneration: (generation) => this.rebalancer.noteGeneration(generation),
    });
    this.elector = new Elector(deps, this.holdings, { role: COORDINATOR, tickMs: budget.ttlMs });
    this.reaper = new Reaper(
      deps,
      { sessionId, budget, pollMs },
      {
        vacant: () => this.elector.look(),
        members: (sessionIds) => this.rebalancer.noteMembers(sessionIds),
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

  /** Partition terms held, whether or not the session is trusted now. */
  held(): readonly PartitionTerm[] {
    return this.keeper.held();
  }

  /**
   * Lives until the session is over or `stop` aborts. When stopped, the loops end first; heartbeats go on while `end` hands
   * over and ends the session, so that nobody judges it meanwhile. A lost session is not ended again.
   */
  async run(stop: AbortSignal, end: (why: SessionEnd) => Promise<void>): Promise<SessionEnd> {
    const { signals } = this.deps;
    using work = new Scope(stop);
    using beating = new Scope(new AbortController().signal);
    const unsubscribe = signals.subscribe((kind) => this.hear(kind, work.signal));
    const heartbeats = this.heartbeat.run(this.registered, this.heartbeatHandlers(), beating.signal);
    const loops = this.startLoops(work.signal);
    const stopped = new Promise<SessionEnd>((resolve) => {
      work.signal.addEventListener('abort', () => resolve({ why: 'stopped' }), { once: true });
      if (work.signal.aborted) resolve({ why: 'stopped' });
    });
    const why = await Promise.race([heartbeats, stopped]);
    unsubscribe();
    work.end();
    await Promise.all(loops);
    if (why.why !== 'lost') await end(why);
    beating.end();
    await heartbeats;
    return why;
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
      supervise({ log, clock }, 'elections', () => this.takePartInElections(signal), signal),
      supervise({ log, clock }, 'reaper', () => this.reaper.run(signal), signal),
    ];
  }

  private async takePartInElections(signal: AbortSignal): Promise<void> {
    const { sessionId, holdings, elector: coordinator } = this;
    const session = { sessionId, holdings, coordinator, trustedForMs: () => this.trustedForMs() };
    const { elections, budget } = this.options;
    await elections.run(this.deps, session, budget.heartbeatIntervalMs, signal);
  }

  private heartbeatHandlers(): HeartbeatHandlers {
    return {
      beforeTrust: async ({ holdingsVersion, assignmentGeneration }) => {
        await this.holdings.catchUp(holdingsVersion);
        this.elector.checkTerm();
        this.options.elections.checkTerms();
        this.keeper.noteGeneration(assignmentGeneration);
        this.rebalancer.noteGeneration(assignmentGeneration);
      },
      failed: () => this.reaper.void(),
    };
  }

  /** Everybody's listener comes back at the same moment after a restart of the database: each looks at a moment of its own. */
  private async resyncSoon(ending: AbortSignal): Promise<void> {
    const { clock, random, instruments } = this.deps;
    await clock.sleep(
      random() * Math.min(resyncSpreadMs, this.options.budget.heartbeatIntervalMs / 4),
      ending,
    );
    if (ending.aborted) return;
    instruments.resyncs.inc({ reason: 'signals' });
    this.elector.look();
    this.options.elections.look();
    this.keeper.assignmentChanged();
    this.rebalancer.changed('membership');
    this.heartbeat.now();
  }

  private hear(kind: SignalKind, ending: AbortSignal): void {
    this.deps.instruments.signals.inc({ kind });
    switch (kind) {
      case 'membership':
        this.elector.look();
        this.options.elections.look();
        this.rebalancer.changed('membership');
        break;
      case 'topics':
        this.rebalancer.changed('topics');
        break;
      case 'assignment':
        this.keeper.assignmentChanged();
        break;
      case 'leases':
        this.keeper.leasesFreed();
        this.options.elections.look();
        break;
      case 'session':
        this.heartbeat.now();
        break;
      case 'resync':
        void this.resyncSoon(ending);
        break;
      case 'ping':
        break;
    }
  }
}
