// Giving partitions up, in two phases when a broker is attached: it is asked (`lease.revoking`), flushes, appends its last segment
// under the old epoch and acknowledges; then the lease is released. Whoever does not answer by the deadline is released
// all the same: the fence decides about what it still writes. Without a broker there is nobody to ask.
import { leaseKeyText } from '../domain/lease.ts';
import { Batcher } from '../platform/batcher.ts';
import type { ReleaseOutcome } from '../store/leases.ts';
import type { HeldTerm } from './agent-view.ts';
import type { CoordinationDeps } from './deps.ts';
import type { Holdings, PartitionTerm } from './holdings.ts';

export interface HandoffOptions {
  /** How long a broker has to acknowledge, milliseconds. */
  readonly timeoutMs: number;
  readonly isBrokerAttached: () => boolean;
}

export class Handoff {
  private readonly deps: CoordinationDeps;
  private readonly holdings: Holdings;
  private readonly options: HandoffOptions;
  private readonly acknowledgements: Batcher<PartitionTerm, ReleaseOutcome>;

  constructor(deps: CoordinationDeps, holdings: Holdings, options: HandoffOptions) {
    this.deps = deps;
    this.holdings = holdings;
    this.options = options;
    this.acknowledgements = new Batcher((terms) => this.releaseAcknowledged(terms));
  }

  /**
   * Releases what the broker was asked for and need not be waited for any longer: its time is over, or it has gone, and a broker
   * whose event stream ended has stopped. Answers how many. Fails as the store does; they are given up locally all the same.
   */
  async settle(): Promise<number> {
    const asked = this.holdings.partitions().filter(({ revoking }) => revoking !== undefined);
    if (!this.options.isBrokerAttached()) {
      await this.release(asked);
      return asked.length;
    }
    const nowMs = this.deps.clock.monotonicMs();
    const overdue = asked.filter(({ revoking }) => revoking !== undefined && revoking.releasedAtMs <= nowMs);
    if (overdue.length === 0) return 0;
    this.observe(overdue, 'timed_out');
    this.deps.log.warn(
      { count: overdue.length, timeoutMs: this.options.timeoutMs },
      'released without the acknowledgement of the broker: it had its time; its writes meet the fence',
    );
    await this.release(overdue, 'handoff_timeout');
    return overdue.length;
  }

  /**
   * Begins to give these up: asks the broker for what it was not asked yet; without one, releases them and answers how many.
   * `leavingByMs`: this agent gives up everything, whatever the plan says, and no deadline may lie behind that moment of the
   * monotonic clock; undefined: a planned move. Fails as the store does.
   */
  async giveUp(unwanted: readonly HeldTerm[], leavingByMs?: number): Promise<number> {
    const fresh = unwanted.filter(({ revoking }) => revoking === undefined);
    if (fresh.length === 0) return 0;
    if (this.options.isBrokerAttached()) {
      await this.ask(fresh, leavingByMs);
      return 0;
    }
    await this.release(fresh);
    return fresh.length;
  }

  /** The earliest moment at which a broker's time is over, monotonic clock; undefined when nothing is asked of it. */
  nextDeadlineMs(): number | undefined {
    const deadlines = this.holdings.partitions().flatMap(({ revoking }) => revoking?.releasedAtMs ?? []);
    return deadlines.length === 0 ? undefined : deadlines.reduce((a, b) => Math.min(a, b));
  }

  /** The broker is done with these terms. Those that come together are released together. */
  acknowledge(terms: readonly PartitionTerm[]): Promise<readonly ReleaseOutcome[]> {
    return this.acknowledgements.run(terms);
  }

  private async ask(terms: readonly HeldTerm[], leavingByMs: number | undefined): Promise<void> {
    const { clock, log, store } = this.deps;
    // Who gets it is news for people and for a broker that redirects its clients. An agent that leaves is ahead of the plan, which
    // still names itself: it asks at once.
    const isPlanned = leavingByMs === undefined;
    const targets = isPlanned ? await store.readTargets(terms.map(({ key }) => key)).catch(() => []) : [];
    const receivers = new Map(
      targets.map(({ topic, partition, agentId }) => [`${topic}/${partition}`, agentId]),
    );
    const sinceMs = clock.monotonicMs();
    const releasedAtMs = Math.min(sinceMs + this.options.timeoutMs, leavingByMs ?? Number.POSITIVE_INFINITY);
    this.holdings.revoke(
      terms.map((term) => ({
        term,
        revoking: { sinceMs, releasedAtMs, to: receivers.get(leaseKeyText(term.key)) ?? null },
      })),
    );
    log.info(
      { count: terms.length, deadlineMs: Math.round(releasedAtMs - sinceMs) },
      'broker asked to hand over',
    );
  }

  private async releaseAcknowledged(terms: readonly PartitionTerm[]): Promise<readonly ReleaseOutcome[]> {
    const named = new Map(terms.map(({ key, epoch }) => [leaseKeyText(key), epoch]));
    const asked = this.holdings
      .partitions()
      .filter(({ key, epoch }) => named.get(leaseKeyText(key)) === epoch);
    const outcomes = await this.release(terms);
    this.observe(asked, 'acknowledged');
    return outcomes;
  }

  private async release(
    terms: readonly PartitionTerm[],
    lost: 'released' | 'handoff_timeout' = 'released',
  ): Promise<readonly ReleaseOutcome[]> {
    if (terms.length === 0) return [];
    const outcomes = await this.holdings.release(terms, 'released', lost);
    this.deps.signals.publish('leases');
    return outcomes;
  }

  /** From the request to the lease being free: what the broker took, and what the store took. */
  private observe(terms: readonly HeldTerm[], result: 'acknowledged' | 'timed_out'): void {
    const nowMs = this.deps.clock.monotonicMs();
    for (const { revoking } of terms) {
      if (revoking === undefined) continue;
      this.deps.instruments.handoffDuration.observe({ result }, (nowMs - revoking.sinceMs) / 1000);
    }
  }
}
