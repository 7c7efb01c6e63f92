// The broker's side of the lease protocol: what the agent tells on its stream and in its proofs comes in, terms come out. Everything in
// here is synchronous: in the turn in which something is noticed, every term that it ends has ended.
import type { Clock } from '../platform/clock.ts';
import type { AgentHttp } from './agent-http.ts';
import type { ClientLog } from './client-log.ts';
import type { TermOverReason } from './errors.ts';
import { type LeaseTold, LeasesTold, partitionText, type Revocation } from './leases-told.ts';
import { LiveTerm } from './term.ts';
import { type Asked, Trust } from './trust.ts';
import type { PartitionTerm, WireEvent } from './wire-event.ts';

/** Something that ends with trust. */
export interface EndsWithTrust {
  end(reason: TermOverReason, detail: string): void;
}

export interface LeadershipDeps {
  readonly http: AgentHttp;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: ClientLog;
  readonly acknowledge: (term: PartitionTerm) => Promise<void>;
  /** A term has begun. Called in the turn of the event; may not use the term before the next one. */
  readonly onTerm: (term: LiveTerm) => void;
  /** Trust came or went, or a deadline came nearer: what waits for either looks again. */
  readonly onChange: () => void;
  readonly onElection: (event: Extract<WireEvent, { type: 'election.won' | 'election.lost' }>) => void;
}

export class Leadership {
  private readonly deps: LeadershipDeps;
  private readonly trust: Trust;
  private readonly told = new LeasesTold();
  private readonly terms = new Map<string, LiveTerm>();
  /** Terms the agent asked for, by which the next deadline is found. */
  private readonly asked = new Set<LiveTerm>();
  /** Terms that ended by themselves, and are not begun again however often the agent still names them. */
  private readonly spent = new Map<string, number>();
  private readonly companions = new Set<EndsWithTrust>();
  private trusted = false;
  private closed = false;

  constructor(deps: LeadershipDeps) {
    this.deps = deps;
    this.trust = new Trust(deps.clock);
  }

  get isStreamOpen(): boolean {
    return this.trust.isStreamOpen;
  }

  /** Asks the clock first. */
  isTrusted(): boolean {
    this.check();
    return this.trusted;
  }

  /** To be called before a question is sent whose answer will be `proven`. */
  asking(): Asked {
    return this.trust.asking();
  }

  /** Ends with the trust there is now, unless it is forgotten before. */
  accompany(companion: EndsWithTrust): () => void {
    this.companions.add(companion);
    return () => this.companions.delete(companion);
  }

  /** When `check` will find something, unless something is heard before; Infinity while nothing is trusted. */
  dueMs(): number {
    if (!this.trusted) return Infinity;
    let due = this.trust.dueMs();
    for (const term of this.asked) due = Math.min(due, term.revocation?.deadlineMs ?? Infinity);
    return due;
  }

  /** The stream goes on where the one before it ended: what was missed comes next, before the first beat. */
  streamResumed(): void {
    this.trust.streamOpened();
    this.deps.onChange();
  }

  streamEnded(why: string): void {
    this.trust.streamEnded(why);
    this.check();
  }

  proven(sessionId: string | null, asked: Asked, trustedForMs: number): void {
    this.check();
    this.trust.proven(sessionId, asked, trustedForMs);
    this.look();
  }

  /** `opening`: when the stream was asked for, for the snapshot that begins it; a later one proves nothing. */
  handle(event: WireEvent, sessionId: string | null | undefined, opening: Asked | undefined): void {
    // First the clock: what has waited in a socket must not hide how long that was.
    this.check();
    if (sessionId !== undefined && event.type !== 'snapshot') this.session(sessionId);
    this.apply(event, opening);
    this.look();
  }

  /** Ends what is over by the clock. */
  check(): void {
    const nowMs = this.deps.clock.monotonicMs();
    for (const term of this.asked) {
      if (nowMs < (term.revocation?.deadlineMs ?? Infinity)) continue;
      this.endTerm(term, 'handoff_timeout', 'the time to give it up has passed');
    }
    const loss = this.trusted ? this.trust.loss() : undefined;
    if (loss !== undefined) this.fall(loss.reason, loss.detail);
  }

  /** Asks all terms to finish, as before a handoff. */
  revokeAll(deadlineMs: number): void {
    for (const term of this.terms.values()) {
      if (!term.revoking.aborted) this.revoke(term, { deadlineMs, to: null });
    }
  }

  close(): void {
    this.closed = true;
    if (this.trusted) this.fall('closed', 'the client was closed');
  }

  private apply(event: WireEvent, opening: Asked | undefined): void {
    switch (event.type) {
      case 'snapshot':
        return this.snapshot(event, opening);
      case 'lease.granted':
        if (!this.told.granted(event, this.trust.sessionId)) return;
        this.dropOlder(event);
        return this.begin(this.told.get(event), event.highWatermark ?? undefined);
      case 'lease.revoking': {
        const revocation = { to: event.to, deadlineMs: this.deps.clock.monotonicMs() + event.deadlineMs };
        if (!this.told.revoking(event, revocation)) return;
        const term = this.terms.get(partitionText(event));
        if (term?.epoch === event.epoch) this.revoke(term, revocation);
        return;
      }
      case 'lease.lost': {
        if (!this.told.lost(event)) return;
        this.spent.delete(partitionText(event));
        const term = this.terms.get(partitionText(event));
        if (term !== undefined) this.endTerm(term, 'lost', event.reason);
        return;
      }
      case 'session.suspended':
        this.trust.suspended(event.reason);
        return this.check();
      case 'session.resumed':
        this.session(event.sessionId);
        this.trust.resumed();
        return this.deps.onChange();
      case 'election.won':
      case 'election.lost':
        return this.deps.onElection(event);
      case 'beat':
        return this.trust.beat();
      case 'closing':
      case 'dropped':
        return this.streamEnded(event.reason);
    }
  }

  private snapshot(event: Extract<WireEvent, { type: 'snapshot' }>, opening: Asked | undefined): void {
    const { sessionId, trustedForMs } = event;
    if (!this.told.snapshot(event, sessionId, this.deps.clock.monotonicMs())) return;
    this.session(sessionId);
    if (opening !== undefined) {
      this.trust.streamOpened();
      this.trust.proven(sessionId, opening, trustedForMs);
      this.trust.beat();
      this.deps.onChange();
    }
    if (trustedForMs === 0) this.trust.suspended('the agent does not trust its session');
    this.check();
    for (const term of this.terms.values()) {
      const told = this.told.get(term);
      if (told?.epoch !== term.epoch) this.endTerm(term, 'lost', 'the agent does not name it any more');
    }
    if (this.trusted) this.beginAll();
  }

  private session(sessionId: string | null): void {
    if (this.trust.sessionId === sessionId) return;
    this.trust.session(sessionId);
    this.spent.clear();
    this.check();
  }

  /** Whether trust has come. */
  private look(): void {
    this.check();
    if (this.trusted || this.closed || this.trust.loss() !== undefined) return;
    this.trusted = true;
    this.deps.log.info({ sessionId: this.trust.sessionId }, 'the agent trusts its session: leading');
    this.beginAll();
    this.deps.onChange();
  }

  private fall(reason: TermOverReason, detail: string): void {
    this.trusted = false;
    this.trust.fall();
    const count = this.terms.size;
    for (const term of this.terms.values()) term.end(reason, detail);
    for (const companion of this.companions) companion.end(reason, detail);
    this.terms.clear();
    this.asked.clear();
    this.companions.clear();
    this.deps.log.warn({ reason, detail, terms: count }, 'all terms ended');
    this.deps.onChange();
  }

  private beginAll(): void {
    for (const lease of this.told.all) this.begin(lease, undefined);
  }

  private begin(lease: LeaseTold | undefined, highWatermark: number | undefined): void {
    if (lease === undefined || !this.trusted || lease.sessionId !== this.trust.sessionId) return;
    const text = partitionText(lease);
    const { http, clock, random, acknowledge } = this.deps;
    const isLate = lease.revocation !== undefined && lease.revocation.deadlineMs <= clock.monotonicMs();
    if (isLate || this.terms.has(text) || (this.spent.get(text) ?? -1) >= lease.epoch) return;
    const term = new LiveTerm(
      { http, clock, random, acknowledge, check: () => this.check(), onOver: (over) => this.spend(over) },
      lease,
      highWatermark,
    );
    this.terms.set(text, term);
    if (lease.revocation !== undefined) this.revoke(term, lease.revocation);
    this.deps.onTerm(term);
  }

  private revoke(term: LiveTerm, revocation: Revocation): void {
    this.asked.add(term);
    term.revoke(revocation);
    this.deps.onChange();
  }

  /** A grant of a higher epoch ends the term before it, whether or not its end was told. */
  private dropOlder({ topic, partition, epoch }: PartitionTerm): void {
    const term = this.terms.get(partitionText({ topic, partition }));
    if (term !== undefined && term.epoch < epoch) this.endTerm(term, 'lost', `epoch ${epoch} was granted`);
  }

  private spend(term: LiveTerm): void {
    this.spent.set(partitionText(term), term.epoch);
    this.forget(term);
  }

  private endTerm(term: LiveTerm, reason: TermOverReason, detail: string): void {
    this.forget(term);
    term.end(reason, detail);
  }

  private forget(term: LiveTerm): void {
    this.asked.delete(term);
    const text = partitionText(term);
    if (this.terms.get(text) === term) this.terms.delete(text);
  }
}
