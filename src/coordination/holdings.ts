// What one session holds, partitions and roles alike: the local copy of the lease rows that name it, kept exact by the
// session's holdings version. All that changes it goes through here, one operation at a time.
import { type LeaseKey, leaseKeyText, type PartitionKey, type Term } from '../domain/lease.ts';
import { Refusal } from '../domain/refusal.ts';
import { Serial } from '../platform/serial.ts';
import type {
  AcquireAnswer,
  AcquireOutcome,
  HeldLease,
  Reclaim,
  ReleaseOutcome,
  TermEndReason,
} from '../store/leases.ts';
import type { AgentEvent, LeaseLostReason } from './agent-events.ts';
import type { HeldTerm, Revoking } from './agent-view.ts';
import type { CoordinationDeps } from './deps.ts';

export type PartitionTerm = Term & { readonly key: PartitionKey };

/** Leases asked for or given up in one statement at most: it has to be answered within the time of one attempt. */
const batchSizeMax = 1_000;
/** Acquires of different leases under way at once: the server works on one while we read the answer of the other. */
const acquiresMax = 2;

export class Holdings {
  private readonly deps: CoordinationDeps;
  private readonly sessionId: string;
  private readonly tell: (events: readonly AgentEvent[]) => void;
  private readonly reclaim: Reclaim | undefined;
  /**
   * One operation at a time, in the order asked for; a large acquire may be two requests at once. Were an acquire sent while a release of the same lease is on its way, the store could
   * answer that the term is still held, and vacate it afterwards.
   */
  private readonly serial = new Serial();
  private terms = new Map<string, Term>();
  /** Given up locally: nobody may act on them, whether the store is being told now or could not be. */
  private readonly releasing = new Map<string, 'underway' | 'failed'>();
  /** The broker has been asked to give them up; never taken back, only released. By the term's epoch: a new term is not asked. */
  private readonly revoking = new Map<string, { readonly epoch: number } & Revoking>();
  /** Terms that an operator asked for, as last read; those that are over meanwhile match nothing any more. */
  private requested: readonly HeldLease[] = [];
  private versionKnown = -1;
  /** Made when it is asked for, void at every change: asking is frequent, changes are not. */
  private partitionTerms: readonly HeldTerm[] | undefined;

  /**
   * `tell` hears of every change of the partitions held, in the turn in which it is made. `reclaim`: what the session before this one
   * trusted when a new era ended it.
   */
  constructor(
    deps: CoordinationDeps,
    sessionId: string,
    tell: (events: readonly AgentEvent[]) => void = () => undefined,
    reclaim?: Reclaim,
  ) {
    this.reclaim = reclaim;
    this.deps = deps;
    this.sessionId = sessionId;
    this.tell = tell;
  }

  /** Partition terms that may be acted on, as far as the session itself is trusted; by topic and partition. */
  partitions(): readonly HeldTerm[] {
    this.partitionTerms ??= [...this.terms]
      .filter(([text]) => !this.releasing.has(text))
      .map(([, term]) => term)
      .filter(isPartitionTerm)
      .sort(byKey)
      .map((term) => {
        const revoking = this.revokingOf(term);
        return revoking === undefined ? term : { ...term, revoking };
      });
    return this.partitionTerms;
  }

  /** Roles that may be acted on, as far as the session itself is trusted. */
  roles(): readonly Term[] {
    return [...this.terms]
      .filter(([text, { key }]) => key.kind === 'role' && !this.releasing.has(text))
      .map(([, term]) => term);
  }

  get(key: LeaseKey): Term | undefined {
    const text = leaseKeyText(key);
    return this.releasing.has(text) ? undefined : this.terms.get(text);
  }

  /** Terms held that an operator asked to be given up. */
  releaseRequests(): readonly Term[] {
    return this.requested.filter((term) => this.holds(term));
  }

  /** Reads everything again when the store's version is beyond the one known. Fails as the store does. */
  async catchUp(version: number): Promise<void> {
    if (version <= this.versionKnown) return;
    await this.serial.run(async () => {
      // An acquire of our own may have been under way: its answer brought the version meanwhile.
      if (version > this.versionKnown) await this.read(this.versionKnown < 0 ? 'start' : 'holdings');
    });
  }

  /**
   * Asks for these leases; answers each key's outcome, in any order. Those that are being given up are `busy`. Fails as the store does, the
   * outcome then unknown until the next read.
   */
  async acquire(keys: readonly LeaseKey[]): Promise<readonly AcquireOutcome[]> {
    const outcomes: AcquireOutcome[] = [];
    for (const some of groupsOf(acquiresMax, [...groupsOf(batchSizeMax, keys)])) {
      outcomes.push(...(await this.serial.run(() => this.acquireBatches(some))));
    }
    return outcomes;
  }

  /** Asks the broker to give these terms up. One that has been asked already keeps its deadline. */
  revoke(revokes: readonly { readonly term: PartitionTerm; readonly revoking: Revoking }[]): void {
    const fresh = revokes.filter(({ term }) => this.holds(term) && this.revokingOf(term) === undefined);
    for (const { term, revoking } of fresh) {
      this.revoking.set(leaseKeyText(term.key), { epoch: term.epoch, ...revoking });
    }
    if (fresh.length === 0) return;
    this.changed();
    this.tell(
      fresh.map(({ term, revoking: { releasedAtMs, to } }) => ({
        type: 'lease.revoking',
        ...facts(term),
        releasedAtMs,
        to,
      })),
    );
  }

  /**
   * Gives up these terms: locally at once, in the store as soon as it answers; tells what the store says of each. A term
   * that is over changes nothing. `lost`: what the broker is told, when that differs from what the store is.
   */
  async release(
    terms: readonly Term[],
    reason: TermEndReason,
    lost: LeaseLostReason = reason,
  ): Promise<readonly ReleaseOutcome[]> {
    const own = terms.filter((term) => this.holds(term));
    for (const term of terms) {
      if (this.isCurrent(term)) this.releasing.set(leaseKeyText(term.key), 'underway');
    }
    if (own.length > 0) this.changed();
    this.tell(lostEvents(own, lost));
    try {
      const outcomes: ReleaseOutcome[] = [];
      for (const batch of groupsOf(batchSizeMax, terms)) {
        outcomes.push(...(await this.serial.run(() => this.releaseBatch(batch, reason))));
      }
      return outcomes;
    } catch (error) {
      for (const term of terms) {
        const text = leaseKeyText(term.key);
        if (this.isCurrent(term) && this.releasing.has(text)) this.releasing.set(text, 'failed');
      }
      throw error;
    }
  }

  /** Terms that were given up locally and that the store, for all we know, still names: to be released again. */
  pendingReleases(): readonly Term[] {
    return [...this.releasing].flatMap(([text, state]) =>
      state === 'failed' ? (this.terms.get(text) ?? []) : [],
    );
  }

  /** The session is over, and with it everything that was held under it. */
  endAll(lost: LeaseLostReason): void {
    const held = this.partitions();
    this.terms.clear();
    this.releasing.clear();
    this.revoking.clear();
    this.changed();
    this.tell(lostEvents(held, lost));
  }

  /**
   * Different leases, so that neither waits for the other's but for the session's row, which each takes last. What one of them was granted
   * counts also where the other fails.
   */
  private async acquireBatches(some: readonly (readonly LeaseKey[])[]): Promise<readonly AcquireOutcome[]> {
    const settled = await Promise.allSettled(some.map((batch) => this.acquireBatch(batch)));
    const answers = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    // In the order in which they took effect, which may not be the one in which they were answered.
    const versions = answers.flatMap(({ holdingsVersion }) => holdingsVersion ?? []);
    for (const version of versions.toSorted((a, b) => a - b)) await this.follow(version);
    const failed = settled.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return answers.flatMap(({ outcomes }) => outcomes);
  }

  private async acquireBatch(batch: readonly LeaseKey[]): Promise<AcquireAnswer> {
    const { store, instruments, log } = this.deps;
    // A release that failed just now may still arrive: the store could answer that its term is still held, and vacate it afterwards.
    const keys = batch.filter((key) => !this.releasing.has(leaseKeyText(key)));
    const given = batch.filter((key) => this.releasing.has(leaseKeyText(key)));
    const busy = given.map((key) => ({ outcome: 'busy' as const, key }));
    if (keys.length === 0) return { outcomes: busy, holdingsVersion: undefined };
    try {
      const { outcomes, holdingsVersion } = await store.acquireLeases(this.sessionId, keys, this.reclaim);
      const granted: AgentEvent[] = [];
      for (const outcome of outcomes) {
        instruments.leaseAcquisitions.inc({ result: outcome.outcome });
        if (outcome.outcome !== 'granted' && outcome.outcome !== 'already_held') continue;
        granted.push(...this.begin(outcome, outcome.highWatermark));
        if (outcome.outcome === 'granted' && outcome.takenOver) {
          instruments.failoverDuration.observe(
            { cause: outcome.takenOver.cause },
            Math.max(0, outcome.takenOver.silentMs) / 1000,
          );
        }
      }
      this.tell(granted);
      // Who leads a role is remembered by nobody.
      if (outcomes.some(({ outcome, key }) => outcome === 'granted' && key.kind === 'partition'))
        this.deps.signals.publish('routes');
      return { outcomes: [...outcomes, ...busy], holdingsVersion };
    } catch (error) {
      instruments.leaseAcquisitions.inc({ result: 'failed' }, keys.length);
      // Some may have been granted all the same. The heartbeat's version tells; the read happens before trust is extended.
      log.info({ err: error, leases: keys.length }, 'acquire failed');
      throw error;
    }
  }

  private async releaseBatch(
    terms: readonly Term[],
    reason: TermEndReason,
  ): Promise<readonly ReleaseOutcome[]> {
    const { outcomes, holdingsVersion } = await this.deps.store.releaseLeases(this.sessionId, terms, reason);
    // Released or superseded: either way it is not ours any more.
    for (const term of terms) {
      if (this.isCurrent(term)) this.forget(leaseKeyText(term.key));
    }
    if (holdingsVersion !== undefined) await this.follow(holdingsVersion);
    return outcomes;
  }

  /** Our own change raised the version by one; anything else means that somebody else's came between. */
  private async follow(version: number): Promise<void> {
    // Read with what came between.
    if (version <= this.versionKnown) return;
    if (version === this.versionKnown + 1) this.versionKnown = version;
    else await this.read('holdings');
  }

  private async read(reason: 'start' | 'holdings'): Promise<void> {
    const { store, instruments, log } = this.deps;
    const { terms, holdingsVersion } = await store.heldLeases(this.sessionId);
    instruments.resyncs.inc({ reason });
    const before = this.terms;
    this.terms = new Map(terms.map(({ key, epoch }) => [leaseKeyText(key), { key, epoch }]));
    this.requested = terms.filter(({ releaseRequested }) => releaseRequested);
    this.versionKnown = holdingsVersion;
    this.changed();
    const gone = [...before].filter(([text, term]) => this.terms.get(text)?.epoch !== term.epoch);
    // What we gave up ourselves has been told.
    const lost = gone.filter(([text]) => !this.releasing.has(text)).map(([, term]) => term);
    for (const [text] of gone) this.releasing.delete(text);
    const found = terms.filter((term) => before.get(leaseKeyText(term.key))?.epoch !== term.epoch);
    this.tell([
      ...lostEvents(lost, 'superseded'),
      ...found.filter(isPartitionTerm).map((term) => grantedEvent(term, term.highWatermark)),
    ]);
    if (lost.length === 0) return;
    instruments.leasesLost.inc({ reason: 'superseded' }, lost.length);
    const [first] = lost;
    log.warn({ count: lost.length, first: first && leaseKeyText(first.key) }, 'leases lost');
  }

  /** A term that the store says is ours; the event that tells it, unless it was known. */
  private begin({ key, epoch }: Term, highWatermark: number | null): readonly AgentEvent[] {
    const text = leaseKeyText(key);
    const isKnown = this.terms.get(text)?.epoch === epoch && !this.releasing.has(text);
    const term = { key, epoch };
    this.terms.set(text, term);
    this.releasing.delete(text);
    this.changed();
    return isKnown || !isPartitionTerm(term) ? [] : [grantedEvent(term, highWatermark)];
  }

  /** Whether this very term is held and not given up. */
  private holds({ key, epoch }: Term): boolean {
    return this.get(key)?.epoch === epoch;
  }

  /** Whether, for all we know, the store names us with this very term, given up or not. */
  private isCurrent({ key, epoch }: Term): boolean {
    return this.terms.get(leaseKeyText(key))?.epoch === epoch;
  }

  private revokingOf({ key, epoch }: Term): Revoking | undefined {
    const revoking = this.revoking.get(leaseKeyText(key));
    return revoking?.epoch === epoch ? revoking : undefined;
  }

  private forget(text: string): void {
    this.terms.delete(text);
    this.releasing.delete(text);
    this.revoking.delete(text);
    this.changed();
  }

  private changed(): void {
    this.partitionTerms = undefined;
  }
}

function facts({ key: { topic, partition }, epoch }: PartitionTerm) {
  return { topic, partition, epoch };
}

function grantedEvent(term: PartitionTerm, highWatermark: number | null): AgentEvent {
  return { type: 'lease.granted', ...facts(term), highWatermark };
}

function lostEvents(terms: readonly Term[], reason: LeaseLostReason): readonly AgentEvent[] {
  return terms.filter(isPartitionTerm).map((term) => ({ type: 'lease.lost', ...facts(term), reason }));
}

function* groupsOf<T>(size: number, items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

function isPartitionTerm<T extends Term>(term: T): term is T & PartitionTerm {
  return term.key.kind === 'partition';
}

function byKey(a: PartitionTerm, b: PartitionTerm): number {
  if (a.key.topic !== b.key.topic) return a.key.topic < b.key.topic ? -1 : 1;
  return a.key.partition - b.key.partition;
}

/** Whether the store said that our session is over; the heartbeat then finds out by itself. */
export function isSessionLost(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'session_lost';
}
