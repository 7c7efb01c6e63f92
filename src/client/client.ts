// `streamhouse-agent/client`: a broker's side of the agent beside it, for Node. It follows the agent's events, obeys the duties of a
// broker (docs/broker-guide.md), and hands out terms that end the moment they may no longer be used.
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../platform/clock.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { AgentHttp } from './agent-http.ts';
import { Campaign, type RoleTerm } from './campaign.ts';
import { type ClientLog, silentLog } from './client-log.ts';
import { aborted, Engagements, type TermCallback } from './engagements.ts';
import { StreamhouseError, TermOver } from './errors.ts';
import { Follower } from './follower.ts';
import { Leadership } from './leadership.ts';
import { Metadata } from './metadata.ts';
import type { Term } from './term.ts';
import { fetchFor, socketPathOf } from './way.ts';
import type { PartitionName } from './wire-event.ts';

export type { Clock } from '../platform/clock.ts';
export type { RoleTerm } from './campaign.ts';
export type { ClientLog } from './client-log.ts';
export {
  AlreadyExists,
  Fenced,
  NotAnAgents,
  NotFound,
  OffsetGap,
  OffsetMismatch,
  OffsetOverlap,
  type RefusalFacts,
  Refused,
  StreamhouseError,
  TermOver,
  type TermOverReason,
  Unavailable,
} from './errors.ts';
export type { TermCallback } from './engagements.ts';
export type { Revocation } from './leases-told.ts';
export type { CommittedOffset, Leader, Metadata, OffsetLocation, PartitionState } from './metadata.ts';
export type { Appended, NewSegment, Segment } from './segment.ts';
export type { Term } from './term.ts';
export type { PartitionName } from './wire-event.ts';

export interface StreamhouseClientOptions {
  /** The agent beside this broker: `http://…`, `https://…`, or its Unix socket, `unix:/run/streamhouse.sock`. Default `http://127.0.0.1:7070`. */
  readonly url?: string;
  /** The certificate authorities to trust instead of Node's own for https, PEM. */
  readonly ca?: string;
  /** A token of that agent, when it wants one. */
  readonly token?: string;
  /**
   * Whether this process is the broker of that agent: when its stream ends and does not return, the agent hands everything over. Without,
   * the client only watches, and the agent takes partitions away without asking. Default true.
   */
  readonly attach?: boolean;
  /** For one request and its whole answer, milliseconds. Default 5,000. */
  readonly requestTimeoutMs?: number;
  /** How long callbacks may take to finish when the client is closed, milliseconds. Default 5,000. */
  readonly closeTimeoutMs?: number;
  /** Called with what a callback of `run` or `withLease` throws, beside the log; its term is given up. */
  readonly onError?: (error: unknown, term: Term) => void;
  /** Default: says nothing. */
  readonly logger?: ClientLog;
  /** Instead of the one that fits `url`; must answer as soon as the headers have come. */
  readonly fetch?: typeof globalThis.fetch;
  /** For tests. */
  readonly clock?: Clock;
  /** Uniform in [0, 1), for delays. Default `Math.random`. */
  readonly random?: () => number;
}

export interface CampaignOptions {
  /** Our name in the race; two campaigns for one role need two. Default: a UUID. */
  readonly candidate?: string;
  /** Ends the campaign, and gives the role up. */
  readonly signal?: AbortSignal;
}

const urlDefault = 'http://127.0.0.1:7070';
const requestTimeoutMsDefault = 5_000;
const closeTimeoutMsDefault = 5_000;

export class StreamhouseClient implements AsyncDisposable {
  /** Reading the metadata store, and committing consumers' offsets. */
  readonly metadata: Metadata;
  private readonly clock: Clock;
  private readonly http: AgentHttp;
  private readonly log: ClientLog;
  private readonly random: () => number;
  private readonly closeTimeoutMs: number;
  private readonly leadership: Leadership;
  private readonly engagements: Engagements;
  private readonly follower: Follower;
  private readonly campaigns = new Set<{ readonly campaign: Campaign; readonly done: Promise<unknown> }>();
  private readonly waitingForTrust = new Set<() => void>();
  /** Aborted when closing begins, and when nothing is left. */
  private readonly closing = new AbortController();
  private readonly closed = new AbortController();
  private following: Promise<void> | undefined;
  private closeOnce: Promise<void> | undefined;

  /**
   * Connects when it is first asked for terms or trust, and then for ever: an agent that is not there yet is waited for. Throws
   * StreamhouseError when `url` is none.
   */
  constructor(options: StreamhouseClientOptions = {}) {
    const { token, attach = true, onError } = options;
    const url = checkedUrl(options.url ?? urlDefault);
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? Math.random;
    this.log = options.logger ?? silentLog;
    this.closeTimeoutMs = options.closeTimeoutMs ?? closeTimeoutMsDefault;
    this.http = new AgentHttp({
      url,
      token,
      fetch: options.fetch ?? fetchFor(url, options.ca),
      clock: this.clock,
      timeoutMs: options.requestTimeoutMs ?? requestTimeoutMsDefault,
    });
    this.metadata = new Metadata(this.http);
    const { http, clock, random, log } = this;
    const acknowledgements = new Acknowledgements({ http, clock, random, log, signal: this.closed.signal });
    this.engagements = new Engagements({ clock, random, log, onError });
    this.leadership = new Leadership({
      http,
      clock,
      random,
      log,
      acknowledge: (term) => acknowledgements.tell(term),
      onTerm: (term) => this.engagements.begin(term),
      onChange: () => this.changed(),
      onElection: (event) => this.campaigns.forEach(({ campaign }) => campaign.handle(event)),
    });
    this.follower = new Follower({ http, clock, random, log, leadership: this.leadership }, { attach });
  }

  /** Whether terms may be used at this moment: the agent is heard and trusts its session. Asks the clock first. */
  isTrusted(): boolean {
    return this.leadership.isTrusted();
  }

  /** Resolves when the agent is heard and trusts its session. Rejects with the reason of `signal`, or when the client is closed. */
  async ready(signal?: AbortSignal): Promise<void> {
    this.follow();
    while (!this.isTrusted()) {
      signal?.throwIfAborted();
      if (this.closing.signal.aborted) throw new TermOver('closed', 'the client was closed');
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.waitingForTrust.delete(look);
          signal?.removeEventListener('abort', look);
          resolve();
        };
        this.waitingForTrust.add(look);
        signal?.addEventListener('abort', look);
      });
    }
  }

  /**
   * Calls `onTerm` for every term of a partition that has no callback of its own (`withLease`), one at a time for each partition.
   * Resolves when the client is closed.
   *
   * - The callback returns after `term.revoking`: the partition is acknowledged, and the next leader goes on.
   * - It returns before: the term is kept, as by a broker whose work comes with its requests. When the agent asks for the partition,
   *   appends under way are waited for and it is acknowledged. What has more to flush stays in its callback until `term.revoking`.
   * - It throws: told to `onError` and the log, and the term is given up; the agent may take it again under a new epoch.
   * - The term ends under it (`term.signal`): it should return. The next term of that partition waits until it has.
   */
  async run({ onTerm }: { readonly onTerm: TermCallback }): Promise<void> {
    const takeBack = this.engagements.register(undefined, onTerm);
    this.follow();
    await aborted(this.closing.signal);
    takeBack();
  }

  /** As `run`, for one partition. Resolves when the client is closed, or `signal` aborts: then terms to come have no callback. */
  async withLease(
    name: PartitionName,
    callback: TermCallback,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const takeBack = this.engagements.register(name, callback);
    this.follow();
    await aborted(
      signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal]),
    );
    takeBack();
  }

  /**
   * Campaigns for a named role, and runs the callback while leading. When the term ends under it, it should return, and is run again
   * with the next term. When it returns under a live term the campaign has done its work: the role is given up, and this resolves with
   * the callback's value. Rejects with what the callback throws under a live term, with the reason of `signal`, and when the client is closed.
   */
  async campaign<T>(
    name: string,
    callback: (term: RoleTerm) => Promise<T>,
    { candidate = randomUUID(), signal }: CampaignOptions = {},
  ): Promise<T> {
    this.follow();
    const { http, clock, random, log, leadership } = this;
    const stream = (): string => this.follower.stream;
    const campaign = new Campaign({ http, clock, random, log, leadership, stream }, { name, candidate });
    const end = signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal]);
    const done = campaign.run(callback, end);
    const entry = { campaign, done };
    this.campaigns.add(entry);
    try {
      return await done;
    } finally {
      this.campaigns.delete(entry);
    }
  }

  /**
   * Asks all callbacks to finish, waits for them for `closeTimeoutMs`, and ends the stream. Partitions are not given up: the agent would
   * take them again at once. It hands them over when its broker has not come back within its grace period; to stop a broker without that
   * pause, drain its agent first. Safe to call twice.
   */
  async close(): Promise<void> {
    this.closeOnce ??= this.closeNow();
    return this.closeOnce;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private follow(): void {
    if (!this.closing.signal.aborted) this.following ??= this.follower.run(this.closed.signal);
  }

  private async closeNow(): Promise<void> {
    this.engagements.close();
    this.leadership.revokeAll(this.clock.monotonicMs() + this.closeTimeoutMs);
    this.closing.abort(new TermOver('closed', 'the client was closed'));
    this.changed();
    const finished = new AbortController();
    await Promise.race([
      this.quiet().then(() => finished.abort()),
      this.clock.sleep(this.closeTimeoutMs, finished.signal),
    ]);
    this.leadership.close();
    this.closed.abort();
    await this.following;
  }

  private async quiet(): Promise<void> {
    await this.engagements.idle();
    await Promise.allSettled([...this.campaigns].map(({ done }) => done));
  }

  private changed(): void {
    this.follower.changed();
    for (const { campaign } of this.campaigns) campaign.changed();
    for (const look of this.waitingForTrust) look();
  }
}

/** Without a slash at its end. What is no URL would be waited for, for ever. */
function checkedUrl(url: string): string {
  const isSocket = socketPathOf(url)?.startsWith('/') === true;
  if (isSocket || (/^https?:\/\//.test(url) && URL.canParse(url))) return url.replace(/\/+$/, '');
  throw new StreamhouseError(`"${url}" is no agent's URL: it begins with http://, https:// or unix:/`);
}
