// Holds, in one session, the roles that candidates beside this agent want: looks for vacancies, takes them, gives them back. On
// every change and hint, and on a slow tick. Who of the candidates leads is the races' own affair.
import { COORDINATOR, leaseKeyText, type LeaseKey, roleKey } from '../domain/lease.ts';
import { StoreUnavailable } from '../domain/refusal.ts';
import { Backoff } from '../platform/backoff.ts';
import { Bell } from '../platform/bell.ts';
import type { CoordinationDeps } from './deps.ts';
import type { Elector } from './elector.ts';
import { type Holdings, isSessionLost } from './holdings.ts';
import type { Race } from './race.ts';
import type { Races } from './races.ts';

/** What candidacies are given of a session. */
export interface RoleSession {
  readonly sessionId: string;
  readonly holdings: Holdings;
  /** Milliseconds; 0 when it is over. */
  readonly trustedForMs: () => number;
  /** Of the coordinator's role, which no candidate gets and operators may ask back. */
  readonly coordinator: Pick<Elector, 'term' | 'resign'>;
}

export interface RoleKeeperOptions {
  /** Without any hint, a vacancy is looked for this often; milliseconds. */
  readonly tickMs: number;
}

/** Up to so many roles are looked at one by one, a read each; more are asked for outright, which changes nothing for held ones. */
const looksMax = 4;

/** After a role was given up for others to have, this agent does not campaign for so long, milliseconds. */
export const standBackMs = 1_000;

const never = new AbortController().signal;

export class RoleKeeper {
  private readonly deps: CoordinationDeps;
  private readonly races: Races;
  private readonly session: RoleSession;
  private readonly options: RoleKeeperOptions;
  private readonly bell = new Bell();
  private readonly backoff: Backoff;

  constructor(deps: CoordinationDeps, races: Races, session: RoleSession, options: RoleKeeperOptions) {
    this.deps = deps;
    this.races = races;
    this.session = session;
    this.options = options;
    this.backoff = new Backoff({ firstMs: 20, maxMs: options.tickMs, random: deps.random });
  }

  /** A role may have become vacant, or something else changed: look. */
  look(): void {
    this.bell.ring();
  }

  /** What we hold was read anew: terms may be over, and others begun by an acquire whose answer was lost. */
  checkTerms(): void {
    const { holdings } = this.session;
    for (const race of this.races.all()) {
      const { tenure } = race;
      if (tenure.is === 'none' || (tenure.is === 'leaving' && tenure.isReleasing)) continue;
      if (holdings.get(roleKey(race.role))?.epoch !== tenure.epoch) this.races.over(race, 'superseded');
    }
    for (const { key, epoch } of holdings.roles()) {
      if (key.kind !== 'role' || leaseKeyText(key) === leaseKeyText(COORDINATOR)) continue;
      this.races.begin(this.races.of(key.name), epoch);
    }
    this.bell.ring();
  }

  /**
   * Until `signal` aborts. Then, as long as the session is trusted, whoever leads is told to stop and has until its trust is
   * over, at most `standDownMs`, to say that it has: the session, and its roles with it, must not end before.
   */
  async run(standDownMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.deps;
    const stopListening = this.races.onChange(() => this.bell.ring());
    try {
      this.checkTerms();
      while (!signal.aborted) {
        const waitMs = await this.reconcile();
        await this.bell.wait(clock, waitMs, signal);
      }
      await this.finish(standDownMs);
    } finally {
      stopListening();
    }
  }

  /** Answers when to look again at the latest, milliseconds. */
  private async reconcile(): Promise<number> {
    const { log } = this.deps;
    try {
      await this.giveBack();
      const isContested = await this.campaign();
      this.races.tidy();
      if (!isContested) this.backoff.reset();
      return isContested ? this.backoff.nextMs() : this.untilDueMs();
    } catch (error) {
      // The heartbeat finds out about a lost session, and about the store.
      const foreseen = isSessionLost(error) || error instanceof StoreUnavailable;
      if (foreseen) log.debug({ err: error }, 'keeping roles failed');
      else log.error({ err: error }, 'keeping roles failed');
      return this.backoff.nextMs();
    }
  }

  private async giveBack(): Promise<void> {
    const nowMs = this.deps.clock.monotonicMs();
    const due = this.races.all().flatMap((race) => {
      const { tenure } = race;
      if (tenure.is !== 'leaving' || tenure.releaseAtMs > nowMs) return [];
      return [{ race, term: { key: keyOf(race), epoch: tenure.epoch } }];
    });
    if (due.length === 0) return;
    for (const { race } of due) race.releasing();
    await this.session.holdings.release(
      due.map(({ term }) => term),
      'released',
    );
    this.deps.signals.publish('leases');
    for (const { race } of due) {
      race.standBack(this.deps.clock.monotonicMs() + standBackMs);
      this.races.over(race, 'resigned');
    }
  }

  /** Answers whether a role was free and could not be had: worth another try soon. */
  private async campaign(): Promise<boolean> {
    // Without trust nobody could be told to lead.
    if (this.session.trustedForMs() <= 0) return false;
    const nowMs = this.deps.clock.monotonicMs();
    const wanted = this.races
      .all()
      .filter(
        ({ tenure, candidates, notBeforeMs }) =>
          tenure.is === 'none' && candidates.length > 0 && notBeforeMs <= nowMs,
      );
    const vacant = await this.vacant(wanted);
    if (vacant.length === 0) return false;
    let isContested = false;
    const outcomes = await this.session.holdings.acquire(vacant.map(keyOf));
    for (const outcome of outcomes) {
      if (outcome.outcome === 'busy') isContested = true;
      if (outcome.key.kind !== 'role') continue;
      if (outcome.outcome === 'quarantined') {
        this.races.of(outcome.key.name).notBeforeMs = this.deps.clock.monotonicMs() + outcome.forMs;
      }
      if (outcome.outcome !== 'granted' && outcome.outcome !== 'already_held') continue;
      this.races.begin(this.races.of(outcome.key.name), outcome.epoch);
    }
    return isContested;
  }

  private async vacant(wanted: readonly Race[]): Promise<readonly Race[]> {
    if (wanted.length > looksMax) return wanted;
    const leases = await Promise.all(wanted.map((race) => this.deps.store.getLease(keyOf(race))));
    return wanted.filter((_, i) => (leases[i]?.agentId ?? null) === null);
  }

  private untilDueMs(): number {
    const nowMs = this.deps.clock.monotonicMs();
    const dueMs = this.races.all().flatMap(({ tenure, notBeforeMs }) => {
      if (tenure.is === 'leaving') return [tenure.releaseAtMs - nowMs];
      return notBeforeMs > nowMs ? [notBeforeMs - nowMs] : [];
    });
    return Math.max(0, Math.min(this.options.tickMs, ...dueMs));
  }

  private async finish(standDownMs: number): Promise<void> {
    const { clock } = this.deps;
    const untilMs = clock.monotonicMs() + standDownMs;
    for (const race of this.session.trustedForMs() > 0 ? this.races.all() : []) {
      this.races.standDown(race, 'session_lost', Math.min(untilMs, this.promisedUntilMs(race)));
    }
    for (;;) {
      const waitMs = Math.min(this.awaitedForMs(), this.session.trustedForMs());
      if (waitMs <= 0) break;
      await this.bell.wait(clock, waitMs, never);
    }
    for (const race of this.races.all()) this.races.over(race, 'session_lost');
  }

  /** Until when who leads may have been told that it may act: the session's trust only ever grew, and so did its hold. */
  promisedUntilMs({ tenure }: Race): number {
    const holdMs = tenure.is === 'led' ? tenure.by.restMs() : 0;
    return this.deps.clock.monotonicMs() + Math.min(holdMs, this.session.trustedForMs());
  }

  /** How long we still wait for somebody to say that it has stopped. */
  private awaitedForMs(): number {
    const nowMs = this.deps.clock.monotonicMs();
    const restMs = this.races.all().flatMap(({ tenure }) => {
      const isAwaited = tenure.is === 'leaving' && tenure.awaited !== undefined;
      return isAwaited ? [tenure.releaseAtMs - nowMs] : [];
    });
    return Math.max(0, ...restMs);
  }
}

function keyOf({ role }: Race): LeaseKey {
  return roleKey(role);
}
