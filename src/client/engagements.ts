// The callbacks of terms: one at a time for each partition, acknowledged when they return after a revoke, given up when they throw.
import { Backoff } from '../platform/backoff.ts';
import type { Clock } from '../platform/clock.ts';
import type { ClientLog } from './client-log.ts';
import { partitionText } from './leases-told.ts';
import type { LiveTerm, Term } from './term.ts';
import type { PartitionName } from './wire-event.ts';

export type TermCallback = (term: Term) => unknown;

export interface EngagementDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: ClientLog;
  readonly onError: ((error: unknown, term: Term) => void) | undefined;
}

/** Between two terms of one partition whose callbacks fail, so that it is not handed round as fast as the network allows. */
const failureFirstMs = 500;
const failureMaxMs = 30_000;

export class Engagements {
  private readonly deps: EngagementDeps;
  private readonly callbacks = new Map<string, TermCallback>();
  private anyOther: TermCallback | undefined;
  private readonly busy = new Map<string, Promise<void>>();
  private readonly failures = new Map<string, Backoff>();
  private readonly newcomers = new Set<() => void>();
  private closing = false;

  constructor(deps: EngagementDeps) {
    this.deps = deps;
  }

  /** `name` undefined: for all partitions that have none of their own. Returns the way to take it back. */
  register(name: PartitionName | undefined, callback: TermCallback): () => void {
    const text = name && partitionText(name);
    if (text === undefined ? this.anyOther !== undefined : this.callbacks.has(text)) {
      throw new Error(
        `there is a callback for ${text ?? 'all other partitions'} already; take that one back first`,
      );
    }
    if (text === undefined) this.anyOther = callback;
    else this.callbacks.set(text, callback);
    for (const look of this.newcomers) look();
    return () => {
      if (text === undefined) this.anyOther = undefined;
      else this.callbacks.delete(text);
    };
  }

  /** A term has begun. Its callback starts in a later turn, when the one of the term before it has returned. */
  begin(term: LiveTerm): void {
    const text = partitionText(term);
    const work = this.serveBehind(this.busy.get(text), term);
    this.busy.set(text, work);
    const forget = async (): Promise<void> => {
      await work;
      if (this.busy.get(text) === work) this.busy.delete(text);
    };
    void forget();
  }

  /** From here on a term whose callback returns is kept: the agent notices by itself that its broker goes. */
  close(): void {
    this.closing = true;
  }

  /** Resolves when every callback has returned. */
  async idle(): Promise<void> {
    await Promise.all(this.busy.values());
  }

  private async serveBehind(before: Promise<void> | undefined, term: LiveTerm): Promise<void> {
    await before;
    await this.serve(term);
  }

  /** Never rejects. */
  private async serve(term: LiveTerm): Promise<void> {
    const callback = await this.callbackFor(term);
    if (callback === undefined || term.signal.aborted) return this.leave(term);
    const text = partitionText(term);
    try {
      await callback(term);
      this.failures.delete(text);
    } catch (error) {
      // A callback that ends by its term's own end has not failed.
      if (term.signal.aborted && error === term.signal.reason) return;
      await this.failed(term, error);
      return;
    }
    // Returned by itself: the term is kept, and given up when it is asked for.
    await aborted(term.revoking);
    await this.leave(term);
  }

  private async leave(term: LiveTerm): Promise<void> {
    if (!this.closing) await term.release();
  }

  private async failed(term: LiveTerm, error: unknown): Promise<void> {
    const { clock, log, onError, random } = this.deps;
    const { topic, partition, epoch } = term;
    log.error({ err: error, topic, partition, epoch }, 'a callback failed; its term is given up');
    try {
      onError?.(error, term);
    } catch (further) {
      log.error({ err: further, topic, partition, epoch }, 'onError failed');
    }
    const text = partitionText(term);
    const known = this.failures.get(text);
    const backoff = known ?? new Backoff({ firstMs: failureFirstMs, maxMs: failureMaxMs, random });
    this.failures.set(text, backoff);
    // The first time at once. Not longer than the agent waits when it asks for the partition.
    if (known !== undefined) await clock.sleep(backoff.nextMs(), term.revoking);
    await this.leave(term);
  }

  /** Undefined when the term is asked for, or over, before there is one. */
  private async callbackFor(term: LiveTerm): Promise<TermCallback | undefined> {
    const text = partitionText(term);
    const find = (): TermCallback | undefined => this.callbacks.get(text) ?? this.anyOther;
    while (find() === undefined && !term.revoking.aborted) {
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.newcomers.delete(look);
          term.revoking.removeEventListener('abort', look);
          resolve();
        };
        this.newcomers.add(look);
        term.revoking.addEventListener('abort', look);
      });
    }
    return term.revoking.aborted ? undefined : find();
  }
}

export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
