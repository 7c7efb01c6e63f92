// Campaigns for one named role and leads while its term lasts. Two functions, follower and leader; a term is a value.
import { type LeaseKey, leaseKeyText, type Term } from '../domain/lease.ts';
import { Backoff } from '../platform/backoff.ts';
import { Bell } from '../platform/bell.ts';
import { Scope } from '../platform/scope.ts';
import type { CoordinationDeps } from './deps.ts';
import type { Holdings } from './holdings.ts';

export interface ElectorOptions {
  readonly role: LeaseKey;
  /** Without any hint, a lost term is noticed this late; milliseconds. */
  readonly tickMs: number;
  /** Without any hint, a vacancy is looked for this often; milliseconds. Default: `tickMs`. */
  readonly vacancyLookMs?: number;
}

export class Elector {
  private readonly deps: CoordinationDeps;
  private readonly holdings: Holdings;
  private readonly options: ElectorOptions;
  private readonly bell = new Bell();
  private current: Term | undefined;
  /** Before this it does not campaign; monotonic. */
  private notBeforeMs = 0;
  private isResigning = false;

  constructor(deps: CoordinationDeps, holdings: Holdings, options: ElectorOptions) {
    this.deps = deps;
    this.holdings = holdings;
    this.options = options;
  }

  /** The term this agent leads in, as far as it knows. */
  get term(): Term | undefined {
    return this.current;
  }

  /** The role may have become vacant: look. */
  look(): void {
    this.bell.ring();
  }

  /** What we hold was read anew: our term may be over, or one begun by an acquire whose answer was lost. */
  checkTerm(): void {
    if (this.holdings.get(this.options.role)?.epoch !== this.current?.epoch) this.bell.ring();
  }

  /** Gives the term up, and does not campaign for so long, so that others may win. Without a term: nothing. */
  resign(standBackMs: number): void {
    if (this.current === undefined || this.isResigning) return;
    this.notBeforeMs = this.deps.clock.monotonicMs() + standBackMs;
    this.isResigning = true;
    this.bell.ring();
  }

  /** Campaigns and leads by turns. `lead` gets the term and a signal that aborts with it. */
  async run(lead: (term: Term, signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const term = await this.follow(signal);
      if (term) await this.lead(term, lead, signal);
    }
  }

  private async follow(signal: AbortSignal): Promise<Term | undefined> {
    const { clock, log, random } = this.deps;
    const { role, tickMs, vacancyLookMs = tickMs } = this.options;
    const backoff = new Backoff({ firstMs: 50, maxMs: tickMs, random });
    while (!signal.aborted) {
      let waitMs = tickMs;
      try {
        const held = this.holdings.get(role);
        if (held) return held;
        const standsBackMs = this.notBeforeMs - clock.monotonicMs();
        if (standsBackMs > 0) {
          await this.bell.wait(clock, standsBackMs, signal);
          continue;
        }
        // A look costs one read; only a vacancy is campaigned for.
        const holder = await this.deps.store.roleHolder(role);
        if (holder !== null) {
          await this.bell.wait(clock, vacancyLookMs, signal);
          continue;
        }
        const [outcome] = await this.holdings.acquire([role]);
        if (outcome?.outcome === 'granted' || outcome?.outcome === 'already_held') {
          return { key: role, epoch: outcome.epoch };
        }
        if (outcome?.outcome === 'busy') waitMs = backoff.nextMs();
        if (outcome?.outcome === 'quarantined') waitMs = Math.min(tickMs, outcome.forMs);
      } catch (error) {
        log.debug({ err: error, role: leaseKeyText(role) }, 'campaign failed');
        waitMs = backoff.nextMs();
      }
      await this.bell.wait(clock, waitMs, signal);
    }
    return undefined;
  }

  private async lead(
    term: Term,
    work: (term: Term, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, log } = this.deps;
    using scope = new Scope(signal);
    this.current = term;
    log.info({ role: leaseKeyText(term.key), epoch: term.epoch }, 'elected');
    const working = work(term, scope.signal);
    while (!signal.aborted && !this.isResigning && this.holdings.get(term.key)?.epoch === term.epoch) {
      await this.bell.wait(clock, this.options.tickMs, signal);
    }
    this.current = undefined;
    scope.end();
    await working;
    if (this.isResigning) await this.giveUp(term, signal);
    // Others found that we did not lead: they have a TTL's time to do better.
    else if (!signal.aborted) this.notBeforeMs = clock.monotonicMs() + this.options.tickMs;
    this.isResigning = false;
    log.info({ role: leaseKeyText(term.key), epoch: term.epoch }, 'term over');
  }

  /** Until the store knows, or the session is over. */
  private async giveUp(term: Term, signal: AbortSignal): Promise<void> {
    const { clock, log, random, signals } = this.deps;
    const backoff = new Backoff({ firstMs: 50, maxMs: 1_000, random });
    while (!signal.aborted) {
      try {
        await this.holdings.release([term], 'released');
        signals.publish('vacancy');
        return;
      } catch (error) {
        log.debug({ err: error, role: leaseKeyText(term.key) }, 'resigning failed');
        await clock.sleep(backoff.nextMs(), signal);
      }
    }
  }
}
