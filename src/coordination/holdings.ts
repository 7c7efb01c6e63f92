// What one session holds, partitions and roles alike: the local copy of the lease rows that name it, kept exact by the
// session's holdings version. All that changes it goes through here, one operation at a time.
import { type LeaseKey, leaseKeyText, type PartitionKey, type Term } from '../domain/lease.ts';
import { Refusal } from '../domain/refusal.ts';
import { Serial } from '../platform/serial.ts';
import type { AcquireOutcome, TermEndReason } from '../store/leases.ts';
import type { CoordinationDeps } from './deps.ts';

export type PartitionTerm = Term & { readonly key: PartitionKey };

/** Leases asked for or given up in one statement at most: bounds how long the session's row is locked against heartbeats. */
const batchSizeMax = 1_000;

export class Holdings {
  private readonly deps: CoordinationDeps;
  private readonly sessionId: string;
  private readonly serial = new Serial();
  private terms = new Map<string, Term>();
  /** Given up locally, whether or not the store knows yet: nobody may act on them. */
  private readonly releasing = new Set<string>();
  private versionKnown = -1;
  /** Made when it is asked for, void at every change: asking is frequent, changes are not. */
  private partitionTerms: readonly PartitionTerm[] | undefined;

  constructor(deps: CoordinationDeps, sessionId: string) {
    this.deps = deps;
    this.sessionId = sessionId;
  }

  /** Partition terms that may be acted on, as far as the session itself is trusted; by topic and partition. */
  partitions(): readonly PartitionTerm[] {
    this.partitionTerms ??= [...this.terms]
      .filter(([text]) => !this.releasing.has(text))
      .map(([, term]) => term)
      .filter(isPartitionTerm)
      .sort(byKey);
    return this.partitionTerms;
  }

  get(key: LeaseKey): Term | undefined {
    const text = leaseKeyText(key);
    return this.releasing.has(text) ? undefined : this.terms.get(text);
  }

  /** Reads everything again when the store's version is beyond the one known. Fails as the store does. */
  async catchUp(version: number): Promise<void> {
    if (version <= this.versionKnown) return;
    await this.serial.run(async () => {
      // An acquire of our own may have been under way: its answer brought the version meanwhile.
      if (version > this.versionKnown) await this.read(this.versionKnown < 0 ? 'start' : 'holdings');
    });
  }

  /** Asks for these leases; answers each key's outcome. Fails as the store does, the outcome then unknown until the next read. */
  async acquire(keys: readonly LeaseKey[]): Promise<readonly AcquireOutcome[]> {
    const outcomes: AcquireOutcome[] = [];
    for (const batch of batches(keys)) {
      outcomes.push(...(await this.serial.run(() => this.acquireBatch(batch))));
    }
    return outcomes;
  }

  /** Gives up these leases: locally at once, in the store as soon as it answers. */
  async release(keys: readonly LeaseKey[], reason: TermEndReason): Promise<void> {
    for (const key of keys) this.releasing.add(leaseKeyText(key));
    this.changed();
    for (const batch of batches(keys)) {
      await this.serial.run(() => this.releaseBatch(batch, reason));
    }
  }

  /** Keys that were given up locally and are still named in the store, to be released again. */
  pendingReleases(): readonly LeaseKey[] {
    return [...this.releasing].flatMap((text) => this.terms.get(text)?.key ?? []);
  }

  private async acquireBatch(keys: readonly LeaseKey[]): Promise<readonly AcquireOutcome[]> {
    const { store, instruments, log } = this.deps;
    try {
      const { outcomes, holdingsVersion } = await store.acquireLeases(this.sessionId, keys);
      for (const outcome of outcomes) {
        instruments.leaseAcquisitions.inc({ result: outcome.outcome });
        if (outcome.outcome !== 'granted' && outcome.outcome !== 'already_held') continue;
        const { key, epoch } = outcome;
        this.terms.set(leaseKeyText(key), { key, epoch });
        this.releasing.delete(leaseKeyText(key));
        this.changed();
        if (outcome.outcome === 'granted' && outcome.takenOver) {
          instruments.failoverDuration.observe(
            { cause: 'reaped' },
            Math.max(0, outcome.takenOver.silentMs) / 1000,
          );
        }
      }
      await this.follow(holdingsVersion);
      return outcomes;
    } catch (error) {
      instruments.leaseAcquisitions.inc({ result: 'failed' }, keys.length);
      // Some may have been granted all the same. The heartbeat's version tells; the read happens before trust is extended.
      log.info({ err: error, leases: keys.length }, 'acquire failed');
      throw error;
    }
  }

  private async releaseBatch(keys: readonly LeaseKey[], reason: TermEndReason): Promise<void> {
    const terms = keys.flatMap((key) => this.terms.get(leaseKeyText(key)) ?? []);
    const { holdingsVersion } = await this.deps.store.releaseLeases(this.sessionId, terms, reason);
    // Released or superseded: either way it is not ours any more.
    for (const { key } of terms) this.forget(leaseKeyText(key));
    await this.follow(holdingsVersion);
  }

  /** Our own change raised the version by one; anything else means that somebody else's came between. */
  private async follow(version: number | undefined): Promise<void> {
    if (version === undefined) return;
    if (version === this.versionKnown + 1) this.versionKnown = version;
    else await this.read('holdings');
  }

  private async read(reason: 'start' | 'holdings'): Promise<void> {
    const { store, instruments, log } = this.deps;
    const { terms, holdingsVersion } = await store.heldLeases(this.sessionId);
    instruments.resyncs.inc({ reason });
    const before = this.terms;
    this.terms = new Map(terms.map(({ key, epoch }) => [leaseKeyText(key), { key, epoch }]));
    this.versionKnown = holdingsVersion;
    this.changed();
    const lost = [...before]
      .filter(([text, term]) => this.terms.get(text)?.epoch !== term.epoch)
      .map(([text]) => text);
    for (const text of this.releasing) if (!this.terms.has(text)) this.releasing.delete(text);
    if (lost.length === 0) return;
    instruments.leasesLost.inc({ reason: 'superseded' }, lost.length);
    log.warn({ count: lost.length, first: lost[0] }, 'leases lost');
  }

  private forget(text: string): void {
    this.terms.delete(text);
    this.releasing.delete(text);
    this.changed();
  }

  private changed(): void {
    this.partitionTerms = undefined;
  }
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += batchSizeMax)
    yield items.slice(start, start + batchSizeMax);
}

function isPartitionTerm(term: Term): term is PartitionTerm {
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
