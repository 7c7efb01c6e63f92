// Reconciles what the plan wants this agent to lead with what it really holds, on every change and on a slow tick: an acquire
// that failed is tried again, nothing is orphaned. The assignment is advice; the acquire decides.
import { leaseKeyText, partitionKey, type PartitionKey } from '../domain/lease.ts';
import { StoreUnavailable } from '../domain/refusal.ts';
import { Backoff } from '../platform/backoff.ts';
import { Bell } from '../platform/bell.ts';
import type { HeldTerm } from './agent-view.ts';
import type { CoordinationDeps } from './deps.ts';
import type { Handoff } from './handoff.ts';
import { type Holdings, isSessionLost } from './holdings.ts';

export interface LeaseKeeperOptions {
  readonly agentId: string;
  /** Without any hint, wanted and held are compared this often; milliseconds. */
  readonly tickMs: number;
  /** Told the generation of each assignment read. */
  readonly onGeneration: (generation: number) => void;
}

/** A lease that is wanted but still held by another, or locked at the moment, is asked for again this soon, milliseconds, then slower. */
const retryFirstMs = 20;

export class LeaseKeeper {
  private readonly deps: CoordinationDeps;
  private readonly holdings: Holdings;
  private readonly handoff: Handoff;
  private readonly options: LeaseKeeperOptions;
  private readonly bell = new Bell();
  private wanted = new Map<string, PartitionKey>();
  private generation = -1;
  private stale = true;
  /** Until when all is to be given up, monotonic clock; undefined while this agent leads what the plan wants. */
  private leavingByMs: number | undefined;

  constructor(deps: CoordinationDeps, holdings: Holdings, handoff: Handoff, options: LeaseKeeperOptions) {
    this.deps = deps;
    this.holdings = holdings;
    this.handoff = handoff;
    this.options = options;
  }

  /** The assignment may have changed: read it again. */
  assignmentChanged(): void {
    this.stale = true;
    this.bell.ring();
  }

  /** The generation a heartbeat told. */
  noteGeneration(generation: number): void {
    if (generation !== this.generation) this.assignmentChanged();
  }

  /** Leases may have become free. */
  leasesFreed(): void {
    if (this.missing().length > 0) this.bell.ring();
  }

  /** What is held, or who uses it, has changed: compare again. */
  look(): void {
    this.bell.ring();
  }

  /** Gives up everything and takes nothing, whatever the plan says; no broker has longer than `byMs`, monotonic clock. */
  leave(byMs = Number.POSITIVE_INFINITY): void {
    this.leavingByMs = byMs;
    this.bell.ring();
  }

  /** Follows the plan, again if it was leaving. */
  stay(): void {
    if (this.leavingByMs === undefined) this.look();
    else this.assignmentChanged();
    this.leavingByMs = undefined;
  }

  /** Partitions held, in key order. */
  held(): readonly HeldTerm[] {
    return this.holdings.partitions();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.deps;
    const { tickMs } = this.options;
    const backoff = new Backoff({ firstMs: retryFirstMs, maxMs: tickMs, random });
    while (!signal.aborted) {
      let waitMs = tickMs;
      try {
        const quarantinedForMs = await this.reconcile();
        if (quarantinedForMs !== undefined) waitMs = Math.min(tickMs, quarantinedForMs);
        else if (this.missing().length > 0) waitMs = backoff.nextMs();
        else backoff.reset();
        waitMs = Math.min(waitMs, this.untilDeadlineMs());
      } catch (error) {
        this.stale = true;
        waitMs = backoff.nextMs();
        // The heartbeat finds out about a lost session, and about the store.
        if (isSessionLost(error) || error instanceof StoreUnavailable)
          log.debug({ err: error }, 'reconcile failed');
        else log.error({ err: error }, 'reconcile failed');
      }
      await this.bell.wait(clock, waitMs, signal);
    }
  }

  /** Answers how long there is nothing more to be had, milliseconds, when all that is missing is in a new era's quarantine. */
  private async reconcile(): Promise<number | undefined> {
    // First, whatever the store says to the rest: a broker's time is over when it is over.
    let released = await this.handoff.settle();
    if (this.stale && this.leavingByMs === undefined) await this.readAssignment();
    // Before anything is asked for again, and answered: as long as the store may name us with a term that we gave up, an acquire would hand
    // us that very term, and the release that was lost could still arrive and vacate it.
    const pending = this.holdings.pendingReleases();
    if (pending.length > 0) {
      await this.holdings.release(pending, 'released');
      this.deps.signals.publish('leases');
    }
    released += await this.handoff.giveUp(this.unwanted(), this.leavingByMs);
    if (released > 0) this.deps.log.info({ count: released }, 'leases released to follow the assignment');
    const missing = this.missing();
    if (missing.length === 0) return undefined;
    const outcomes = await this.holdings.acquire(missing);
    const granted = outcomes.filter(
      ({ outcome }) => outcome === 'granted' || outcome === 'already_held',
    ).length;
    if (granted > 0) this.deps.log.info({ count: granted, wanted: missing.length }, 'leases acquired');
    // A partition that is gone: the assignment we read is older than the topic's deletion.
    if (outcomes.some(({ outcome }) => outcome === 'unknown')) this.stale = true;
    const waits = outcomes.flatMap((answer) => (answer.outcome === 'quarantined' ? [answer.forMs] : []));
    if (waits.length === 0 || granted + waits.length < outcomes.length) return undefined;
    this.deps.log.info(
      { count: waits.length, forMs: Math.max(...waits) },
      'leases wait for the quarantine of a new era',
    );
    return Math.max(...waits);
  }

  /** Until the next broker's time is over. */
  private untilDeadlineMs(): number {
    const deadlineMs = this.handoff.nextDeadlineMs() ?? Number.POSITIVE_INFINITY;
    return Math.max(0, deadlineMs - this.deps.clock.monotonicMs());
  }

  private async readAssignment(): Promise<void> {
    this.stale = false;
    const { generation, partitions } = await this.deps.store.readAssignment(this.options.agentId);
    this.deps.instruments.resyncs.inc({ reason: 'assignment' });
    this.generation = generation;
    this.options.onGeneration(generation);
    const keys = partitions.map(({ topic, partition }) => partitionKey(topic, partition));
    this.wanted = new Map(keys.map((key) => [leaseKeyText(key), key]));
  }

  /** Held against the plan, or asked back by an operator. */
  private unwanted(): readonly HeldTerm[] {
    if (this.leavingByMs !== undefined) return this.held();
    const requested = new Set(this.holdings.releaseRequests().map(({ key }) => leaseKeyText(key)));
    return this.held().filter(({ key }) => {
      const text = leaseKeyText(key);
      return !this.wanted.has(text) || requested.has(text);
    });
  }

  private missing(): readonly PartitionKey[] {
    if (this.leavingByMs !== undefined) return [];
    return [...this.wanted.values()].filter((key) => this.holdings.get(key) === undefined);
  }
}
