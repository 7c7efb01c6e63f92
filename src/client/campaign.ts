// Campaigns for named roles: one candidate of ours, in the race for as long as its callback has not been run to its end.
import { setMaxListeners } from 'node:events';
import { Bell } from '../platform/bell.ts';
import { Backoff } from '../platform/backoff.ts';
import type { Clock } from '../platform/clock.ts';
import type { AgentHttp } from './agent-http.ts';
import type { ClientLog } from './client-log.ts';
import { Refused, TermOver, type TermOverReason, Unavailable } from './errors.ts';
import type { Leadership } from './leadership.ts';
import type { WireEvent } from './wire-event.ts';

/** The right to act in a named role under one epoch. The epoch can fence your own writes: store it with them, and refuse lower ones. */
export interface RoleTerm {
  readonly name: string;
  readonly candidate: string;
  readonly epoch: number;
  /** Aborted the moment this candidate may no longer act; its reason is a TermOver. */
  readonly signal: AbortSignal;
  /** Whether it may act at this moment; asks the clock first. */
  isUsable(): boolean;
  /** Throws TermOver unless it may act at this moment. */
  throwIfOver(): void;
}

export interface CampaignDeps {
  readonly http: AgentHttp;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: ClientLog;
  readonly leadership: Leadership;
  /** The name of the event stream that is open now. */
  readonly stream: () => string;
}

export type ElectionEvent = Extract<WireEvent, { type: 'election.won' | 'election.lost' }>;

const retryFirstMs = 100;
const retryMaxMs = 2_000;
/** A candidate that waits asks again this often: an event that was lost with its stream is found out. */
const lookAgainMs = 5_000;

export class Campaign {
  private readonly deps: CampaignDeps;
  private readonly name: string;
  private readonly candidate: string;
  private readonly bell = new Bell();
  private wonEpoch: number | undefined;
  private lostEpoch = -1;
  private term: LiveRoleTerm | undefined;
  /** The stream that the agent did not know when we last campaigned by it. */
  private refusedBy: string | undefined;

  constructor(
    deps: CampaignDeps,
    { name, candidate }: { readonly name: string; readonly candidate: string },
  ) {
    this.deps = deps;
    this.name = name;
    this.candidate = candidate;
  }

  /** An event of the stream, about whomever; in the turn in which it came. */
  handle({ type, name, candidate, epoch }: ElectionEvent): void {
    if (name !== this.name || candidate !== this.candidate) return;
    if (type === 'election.won') {
      this.wonEpoch = Math.max(epoch, this.wonEpoch ?? epoch);
    } else {
      this.lostEpoch = Math.max(epoch, this.lostEpoch);
      if (this.term !== undefined && this.term.epoch <= epoch)
        this.term.end('lost', 'another leads it, or nobody');
    }
    this.bell.ring();
  }

  /** Trust came or went. */
  changed(): void {
    this.bell.ring();
  }

  /**
   * Runs the callback for each term won, until it returns under a live term: its value. Rejects with what it throws under a live
   * term, and with `signal`'s reason. The role is given up in each case.
   */
  async run<T>(callback: (term: RoleTerm) => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      for (;;) {
        signal.throwIfAborted();
        const term = await this.win(signal);
        const outcome = await this.lead(term, callback, signal);
        if (outcome !== undefined) return outcome.value;
      }
    } finally {
      await this.resign();
    }
  }

  private async win(signal: AbortSignal): Promise<LiveRoleTerm> {
    const { clock, leadership, random } = this.deps;
    const backoff = new Backoff({ firstMs: retryFirstMs, maxMs: retryMaxMs, random });
    let entered: string | undefined;
    let enteredMs = -Infinity;
    for (;;) {
      signal.throwIfAborted();
      let waitMs = lookAgainMs;
      if (leadership.isTrusted()) {
        // Each stream is another race; and a won event may have gone down with the one before.
        const isStale = entered !== this.deps.stream() || clock.monotonicMs() - enteredMs >= lookAgainMs;
        if (isStale && this.wonEpoch === undefined) {
          const stream = this.deps.stream();
          if (await this.enter(stream)) [entered, enteredMs] = [stream, clock.monotonicMs()];
          else waitMs = backoff.nextMs();
        }
        const epoch = this.wonEpoch;
        this.wonEpoch = undefined;
        if (epoch !== undefined && epoch > this.lostEpoch && leadership.isTrusted()) return this.begin(epoch);
        if (epoch !== undefined) continue;
      } else {
        entered = undefined;
        this.wonEpoch = undefined;
      }
      await this.bell.wait(clock, waitMs, signal);
    }
  }

  /** Whether the agent has us in the race; it may say at once that we lead. */
  private async enter(stream: string): Promise<boolean> {
    const { http, log } = this.deps;
    try {
      const { body } = await http.ask({
        method: 'POST',
        path: ['v1', 'elections', this.name, 'campaign'],
        body: { candidate: this.candidate, stream },
      });
      const epoch = body.wholeOrNull('epoch');
      if (body.text('state') === 'leading' && epoch !== null)
        this.wonEpoch = Math.max(epoch, this.wonEpoch ?? epoch);
      return true;
    } catch (error) {
      // The agent may have seen the end of our stream before we do: then the next try names the next stream.
      const isStreamGone = error instanceof Refused && error.code === 'conflict' && this.refusedBy !== stream;
      if (!(error instanceof Unavailable) && !isStreamGone) throw error;
      if (isStreamGone) this.refusedBy = stream;
      log.debug({ err: error, name: this.name }, 'campaign not entered');
      return false;
    }
  }

  private begin(epoch: number): LiveRoleTerm {
    const { leadership } = this.deps;
    const term = new LiveRoleTerm({ name: this.name, candidate: this.candidate, epoch }, () =>
      leadership.check(),
    );
    this.term = term;
    return term;
  }

  /** Undefined when the term ended before the callback did. */
  private async lead<T>(
    term: LiveRoleTerm,
    callback: (term: RoleTerm) => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ readonly value: T } | undefined> {
    const forget = this.deps.leadership.accompany(term);
    const interrupt = (): void => term.end('released', 'the campaign was ended');
    signal.addEventListener('abort', interrupt, { once: true });
    try {
      const value = await callback(term);
      return term.isUsable() ? { value } : undefined;
    } catch (error) {
      if (term.isUsable()) throw error;
      if (error !== term.signal.reason) this.deps.log.debug({ err: error, name: this.name }, 'a role ended');
      return undefined;
    } finally {
      forget();
      signal.removeEventListener('abort', interrupt);
      term.end('released', 'its callback has returned');
      this.term = undefined;
    }
  }

  /** Once: a candidacy ends with its stream in any case. */
  private async resign(): Promise<void> {
    const { http, log } = this.deps;
    try {
      await http.ask({
        method: 'POST',
        path: ['v1', 'elections', this.name, 'resign'],
        body: { candidate: this.candidate },
      });
    } catch (error) {
      log.debug({ err: error, name: this.name }, 'resignation not answered');
    }
  }
}

class LiveRoleTerm implements RoleTerm {
  readonly name: string;
  readonly candidate: string;
  readonly epoch: number;
  private readonly check: () => void;
  private readonly over = new AbortController();

  constructor(of: Pick<RoleTerm, 'name' | 'candidate' | 'epoch'>, check: () => void) {
    this.name = of.name;
    this.candidate = of.candidate;
    this.epoch = of.epoch;
    this.check = check;
    setMaxListeners(0, this.over.signal);
  }

  get signal(): AbortSignal {
    return this.over.signal;
  }

  isUsable(): boolean {
    this.check();
    return !this.over.signal.aborted;
  }

  throwIfOver(): void {
    this.check();
    this.over.signal.throwIfAborted();
  }

  end(reason: TermOverReason, detail: string): void {
    if (this.over.signal.aborted) return;
    this.over.abort(
      new TermOver(reason, `the term of role ${this.name} at epoch ${this.epoch} is over: ${detail}`),
    );
  }
}
