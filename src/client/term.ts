// One partition's term as a broker uses it: what it may do, when it must finish, when it must stop.
import { setMaxListeners } from 'node:events';
import type { Clock } from '../platform/clock.ts';
import { Backoff } from '../platform/backoff.ts';
import type { AgentHttp } from './agent-http.ts';
import { Fenced, OffsetMismatch, TermOver, type TermOverReason, Unavailable } from './errors.ts';
import { type Appended, type NewSegment, segmentOf } from './segment.ts';
import type { Revocation } from './leases-told.ts';
import type { PartitionTerm } from './wire-event.ts';

/**
 * The right to write one partition under one epoch. A term that is over stays over: when the same lease may be used again, after
 * a suspension, there is a new term for it, with the same epoch.
 */
export interface Term {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  /** Aborted the moment this term may no longer be used; its reason is a TermOver. */
  readonly signal: AbortSignal;
  /**
   * Aborted when the agent asks for the partition; its reason is a Revocation. Flush, append what is left, return. It is aborted
   * with the reason of `signal` when the term is over, so that whoever waits for it alone does not wait in vain.
   */
  readonly revoking: AbortSignal;
  readonly revocation: Revocation | undefined;
  /** Whether it may be used at this moment. Asks the clock first, so it is right even when this process was frozen until now. */
  isUsable(): boolean;
  /** Throws TermOver unless it may be used at this moment. For side effects of your own that no fence covers. */
  throwIfOver(): void;
  /**
   * Appends segments, each continuing the one before it and the first at the high watermark, in one transaction under this term's
   * epoch. Without an answer the same request is sent again while the term lasts. Throws
   * - `TermOver`: nothing was sent, the term had ended;
   * - `Unavailable` with `outcomeUnknown`: sent, no answer, and the term has ended: a new leader knows (the segment's id tells);
   * - `Fenced`: the store knows another term, this one is over; nothing was written;
   * - `OffsetGap`, `OffsetOverlap`: `facts.highWatermark` is where to continue;
   * - `AlreadyExists`: the id is stored with other content: an earlier attempt, under an earlier term;
   * - `Refused`: anything else the agent says no to.
   */
  append(segments: NewSegment | readonly NewSegment[]): Promise<Appended>;
  /**
   * The next offset, as it was after the grant: nothing under an older epoch can be appended any more. Asks the agent only when what
   * this term has seen does not tell. Throws TermOver.
   */
  highWatermark(): Promise<number>;
  /** Gives the partition up. The agent takes it again, under a new epoch, if the plan still says so. */
  release(): Promise<void>;
}

export interface TermDeps {
  readonly http: AgentHttp;
  readonly clock: Clock;
  readonly random: () => number;
  /** Looks at the clock and ends whatever is over; called before each use. */
  readonly check: () => void;
  /** Sends the acknowledgement; resolves when the agent has it, or when it matters no more. */
  readonly acknowledge: (term: PartitionTerm) => Promise<void>;
  /** The term ended by itself: refused by the store, or given up. */
  readonly onOver: (term: LiveTerm) => void;
}

const retryFirstMs = 50;
const retryMaxMs = 1_000;

/** The term as the client holds it. */
export class LiveTerm implements Term {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  private readonly deps: TermDeps;
  private readonly over = new AbortController();
  private readonly asked = new AbortController();
  private askedFor: Revocation | undefined;
  private known: number | undefined;
  private readonly underWay = new Set<Promise<unknown>>();

  /** `highWatermark`: as the grant told it. */
  constructor(deps: TermDeps, { topic, partition, epoch }: PartitionTerm, highWatermark?: number) {
    this.deps = deps;
    this.topic = topic;
    this.partition = partition;
    this.epoch = epoch;
    this.known = highWatermark;
    // A partition's appends, timers and requests may all listen.
    setMaxListeners(0, this.over.signal, this.asked.signal);
  }

  get signal(): AbortSignal {
    return this.over.signal;
  }

  get revoking(): AbortSignal {
    return this.asked.signal;
  }

  get revocation(): Revocation | undefined {
    return this.askedFor;
  }

  isUsable(): boolean {
    this.deps.check();
    return !this.over.signal.aborted;
  }

  throwIfOver(): void {
    this.deps.check();
    this.over.signal.throwIfAborted();
  }

  async append(segments: NewSegment | readonly NewSegment[]): Promise<Appended> {
    return this.tracked(this.appendUntilKnown(isList(segments) ? segments : [segments]));
  }

  async highWatermark(): Promise<number> {
    const backoff = this.backoff();
    for (;;) {
      this.throwIfOver();
      if (this.known !== undefined) return this.known;
      try {
        const { body } = await this.deps.http.ask({ method: 'GET', path: this.path() });
        const answered = body.whole('highWatermark');
        // An append may have been answered meanwhile.
        this.known ??= answered;
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        await this.deps.clock.sleep(error.retryAfterMs ?? backoff.nextMs(), this.signal);
      }
    }
  }

  async release(): Promise<void> {
    while (this.underWay.size > 0) await Promise.allSettled(this.underWay);
    if (this.signal.aborted) return;
    // Ended before the agent is told: nothing may be appended behind the acknowledgement.
    this.end('released', 'given up');
    this.deps.onOver(this);
    await this.deps.acknowledge(this);
  }

  revoke(revocation: Revocation): void {
    this.askedFor = revocation;
    this.asked.abort(revocation);
  }

  end(reason: TermOverReason, detail: string): void {
    if (this.over.signal.aborted) return;
    const over = new TermOver(
      reason,
      `the term of ${this.topic}/${this.partition} at epoch ${this.epoch} is over: ${detail}`,
    );
    this.over.abort(over);
    this.asked.abort(over);
  }

  private async appendUntilKnown(segments: readonly NewSegment[]): Promise<Appended> {
    const backoff = this.backoff();
    const request = {
      method: 'POST',
      path: [...this.path(), 'segments'],
      body: segments.map((segment) => ({ ...segment, epoch: this.epoch })),
    } as const;
    for (let lost: Unavailable | undefined; ;) {
      this.deps.check();
      if (this.signal.aborted) throw lost ?? this.signal.reason;
      try {
        const { status, body } = await this.deps.http.ask(request);
        const highWatermark = body.whole('highWatermark');
        this.known = highWatermark;
        return {
          outcome: status === 201 ? 'appended' : 'already',
          segments: body.list('segments').map(segmentOf),
          highWatermark,
        };
      } catch (error) {
        if (error instanceof Unavailable) {
          // Once unknown, unknown until an answer: a later attempt that was never sent says nothing about the first.
          if (lost?.outcomeUnknown !== true) lost = error;
          this.known = undefined;
          await this.deps.clock.sleep(error.retryAfterMs ?? backoff.nextMs(), this.signal);
        } else if (error instanceof Fenced) {
          return this.fenced(error, segments);
        } else {
          this.known = error instanceof OffsetMismatch ? error.facts.highWatermark : undefined;
          throw error;
        }
      }
    }
  }

  /** The term is over, whatever the agent's events say; what an earlier attempt stored is stored all the same. */
  private fenced(error: Fenced, segments: readonly NewSegment[]): Appended {
    this.end('fenced', error.message);
    this.deps.onOver(this);
    const last = segments.at(-1);
    if (!error.facts.committed || last === undefined) throw error;
    const { topic, partition, epoch } = this;
    return {
      outcome: 'already',
      segments: segments.map((segment) => ({ ...segment, topic, partition, epoch })),
      highWatermark: error.facts.highWatermark ?? last.endOffset + 1,
    };
  }

  private async tracked<T>(work: Promise<T>): Promise<T> {
    this.underWay.add(work);
    try {
      return await work;
    } finally {
      this.underWay.delete(work);
    }
  }

  private path(): readonly string[] {
    return ['v1', 'topics', this.topic, 'partitions', String(this.partition)];
  }

  private backoff(): Backoff {
    return new Backoff({ firstMs: retryFirstMs, maxMs: retryMaxMs, random: this.deps.random });
  }
}

function isList(segments: NewSegment | readonly NewSegment[]): segments is readonly NewSegment[] {
  return Array.isArray(segments);
}
