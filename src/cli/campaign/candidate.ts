// A candidate as the command line is one: enters the race, waits for the role, and hands each term to whoever acts under it.
import { randomUUID } from 'node:crypto';
import { Backoff } from '../../platform/backoff.ts';
import type { Clock } from '../../platform/clock.ts';
import { Scope } from '../../platform/scope.ts';
import { candidacyForm, type CandidacyAnswer } from '../answers.ts';
import type { Api } from '../api.ts';
import { exitCode, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { StreamLife } from './stream-life.ts';
import { Term } from './term.ts';

export interface CandidateOptions {
  readonly role: string;
  readonly candidate: string;
  /** By renewals of so many milliseconds; undefined: on an event stream. */
  readonly holdMs: number | undefined;
  /** How long whoever acts may take to stop, milliseconds. */
  readonly stopMs: number;
  /** Tells a person what is going on. */
  readonly tell: (line: string) => void;
}

/** While it waits, a candidate on a stream asks this often whether it missed its win, milliseconds. */
const lookMs = 2_000;

/** An agent that restarts is away like this for a while. */
const passing: ReadonlySet<ExitCode> = new Set([exitCode.unreachable, exitCode.timeout]);

export class RoleCandidate {
  private readonly api: Api;
  private readonly clock: Clock;
  private readonly options: CandidateOptions;
  private readonly backoff: Backoff;
  private hasAnswered = false;
  private wasIn = false;
  private outage: string | undefined;

  constructor(deps: { readonly api: Api; readonly clock: Clock }, options: CandidateOptions) {
    this.api = deps.api;
    this.clock = deps.clock;
    this.options = options;
    this.backoff = new Backoff({ firstMs: 100, maxMs: 5_000, random: Math.random });
  }

  /**
   * Waits for the next term, lets `act` act under it, and resigns when that has ended. Undefined when `signal` aborted before
   * there was one. Throws CliFailure when the agent refuses, or has never answered.
   */
  async lead<T>(act: (term: Term) => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    while (!signal.aborted) {
      try {
        const led = await this.onePlace(act, signal);
        if (led !== undefined) return led.result;
      } catch (error) {
        if (!(error instanceof CliFailure) || !this.mayPass(error)) throw error;
        this.say(error.message);
      }
      await this.clock.sleep(this.backoff.nextMs(), signal);
    }
    return undefined;
  }

  private mayPass({ exitCode: code }: CliFailure): boolean {
    if (passing.has(code)) return this.hasAnswered;
    // It may not have noticed yet that the stream we lived on is gone.
    return code === exitCode.conflict && this.wasIn;
  }

  /** From entering the race to leaving it. */
  private async onePlace<T>(
    act: (term: Term) => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ readonly result: T } | undefined> {
    const { role, candidate, holdMs } = this.options;
    // The stream goes on while we stop and resign.
    using place = new Scope(new AbortController().signal);
    let stream: StreamLife | undefined;
    let body: Record<string, unknown> = { candidate, holdMs };
    if (holdMs === undefined) {
      const name = randomUUID();
      stream = new StreamLife(this.clock, role, candidate);
      void stream.read(this.api.within(place.signal), name);
      body = { candidate, stream: name };
    }
    let isIn = false;
    const entered = (): void => {
      isIn = true;
      this.wasIn = true;
    };
    try {
      if (stream !== undefined && !(await this.opened(stream, signal))) return undefined;
      const term = await this.won(body, stream, signal, entered);
      if (term === undefined) return undefined;
      using watching = new Scope(new AbortController().signal);
      const watch = term.watch(watching.signal);
      const result = await act(term);
      watching.end();
      await watch;
      return { result };
    } finally {
      if (isIn) await this.resign();
    }
  }

  private async opened(stream: StreamLife, signal: AbortSignal): Promise<boolean> {
    while (!stream.isOpen && stream.end === undefined && !signal.aborted) {
      await stream.bell.wait(this.clock, 60_000, signal);
    }
    if (stream.end instanceof CliFailure) throw stream.end;
    if (stream.end !== undefined) this.say('the event stream ended');
    this.hasAnswered ||= stream.isOpen;
    return stream.isOpen && stream.end === undefined && !signal.aborted;
  }

  /** Undefined when the place in the race is lost, or nobody wants it any more. */
  private async won(
    body: Record<string, unknown>,
    stream: StreamLife | undefined,
    signal: AbortSignal,
    entered: () => void,
  ): Promise<Term | undefined> {
    const { holdMs, stopMs } = this.options;
    const waitMs = holdMs === undefined ? lookMs : Math.min(lookMs, holdMs / 4);
    while (!signal.aborted) {
      const sentMs = this.clock.monotonicMs();
      const answer = await this.campaign(body, stream);
      if (answer === undefined) return undefined;
      entered();
      this.answered();
      const { ownEpoch: epoch, trustedForMs } = answer;
      if (typeof epoch === 'number' && trustedForMs > 0) {
        const askEveryMs = Math.min(1_000, Math.max(100, trustedForMs / 8));
        const ask = () => (holdMs === undefined ? this.post('campaign', body) : this.post('renew', body));
        return new Term(this.clock, { epoch, sentMs, trustedForMs, ask, askEveryMs, stream, stopMs });
      }
      await (stream?.bell.wait(this.clock, waitMs, signal) ?? this.clock.sleep(waitMs, signal));
      if (stream?.end !== undefined) {
        this.say('the event stream ended');
        return undefined;
      }
    }
    return undefined;
  }

  /** Undefined when the candidacy ended meanwhile, or the stream did: worth another beginning. */
  private async campaign(
    body: Record<string, unknown>,
    stream: StreamLife | undefined,
  ): Promise<CandidacyAnswer | undefined> {
    try {
      return await this.post('campaign', body);
    } catch (error) {
      if (stream?.end !== undefined) return undefined;
      throw error;
    }
  }

  private async post(verb: string, body: Record<string, unknown>): Promise<CandidacyAnswer> {
    const path = ['v1', 'elections', this.options.role, verb];
    return (await this.api.call({ method: 'POST', path, body }, candidacyForm)).value;
  }

  /** Whatever becomes of it: an agent that is gone, or a candidacy that has ended, is resigned already. */
  private async resign(): Promise<void> {
    const { role, candidate } = this.options;
    const path = ['v1', 'elections', role, 'resign'];
    await this.api.perform({ method: 'POST', path, body: { candidate } }).catch(() => undefined);
  }

  private answered(): void {
    this.hasAnswered = true;
    this.backoff.reset();
    this.outage = undefined;
  }

  /** Once for each kind of trouble. */
  private say(line: string): void {
    if (line !== this.outage) this.options.tell(`${line}; trying again`);
    this.outage = line;
  }
}
