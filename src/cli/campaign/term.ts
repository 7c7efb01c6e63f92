// One term of ours, and the duties of whoever leads: stop at the earliest of our own deadline, the stream's end, its silence, a
// suspended session, and being told. All times are our own monotonic clock's.
import { Bell } from '../../platform/bell.ts';
import type { Clock } from '../../platform/clock.ts';
import type { CandidacyAnswer } from '../answers.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import type { StreamLife } from './stream-life.ts';

/** Beats come every 500 ms. */
const silenceMaxMs = 1_500;

/** An agent that died is replaced half a second after at the earliest: what led beside it is gone by then. */
const urgentMs = 400;

/** The last part of a deadline is for stopping in an orderly way. */
const lastPart = 1 / 4;

/** Requests that fail one after another until the agent counts as gone. */
const failuresMax = 2;

export interface TermOptions {
  readonly epoch: number;
  /** When the request was sent whose answer told of the win, and for how long from then it said. */
  readonly sentMs: number;
  readonly trustedForMs: number;
  /** Asks for how long we are trusted, and stays in the race by it. */
  readonly ask: () => Promise<CandidacyAnswer>;
  /** How often it is asked. */
  readonly askEveryMs: number;
  /** Undefined for a candidate that lives on its renewals. */
  readonly stream: StreamLife | undefined;
  /** How long whoever acts may take to stop, where nothing shortens it. */
  readonly stopMs: number;
}

export class Term {
  readonly epoch: number;
  private readonly clock: Clock;
  private readonly options: TermOptions;
  private readonly bell: Bell;
  private readonly over = new AbortController();
  private deadlineMs: number;
  private stopAtMs: number;
  private askAtMs: number;
  private isAsking = false;
  private failures = 0;
  /** The role is ours no more, or soon: no answer prolongs what is left. After the user's own word the term goes on. */
  private isLost = false;
  /** Told whenever it changes by when all must have stopped. */
  private limitChanged: (untilMs: number) => void = () => undefined;
  private stopByMs = Infinity;

  constructor(clock: Clock, options: TermOptions) {
    const { epoch, sentMs, trustedForMs, askEveryMs, stream } = options;
    this.clock = clock;
    this.options = options;
    this.epoch = epoch;
    this.bell = stream?.bell ?? new Bell();
    this.deadlineMs = sentMs + trustedForMs;
    this.stopAtMs = this.deadlineMs - trustedForMs * lastPart;
    this.askAtMs = sentMs + askEveryMs;
  }

  /** Aborts when acting must end, with the reason as a sentence. */
  get ending(): AbortSignal {
    return this.over.signal;
  }

  get reason(): string {
    return String(this.over.signal.reason);
  }

  /** By when everything that acts must be gone: never beyond our trust. */
  get limitMs(): number {
    return Math.min(this.deadlineMs, this.stopByMs);
  }

  onLimit(listener: (untilMs: number) => void): void {
    this.limitChanged = listener;
    listener(this.limitMs);
  }

  /** The user wants an end: as much time as a loss gives, while the term is kept. */
  stop(reason: string): void {
    this.endWithin(this.options.stopMs, reason);
  }

  /** Watches until `done` aborts, also after the term has ended: what ends it may become more urgent. */
  async watch(done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      this.look();
      await this.bell.wait(this.clock, this.untilNextMs(), done);
    }
  }

  private look(): void {
    const { stream, stopMs } = this.options;
    const nowMs = this.clock.monotonicMs();
    if (stream?.end !== undefined) this.end('the event stream ended', urgentMs);
    if (stream?.isSuspended === true) this.end('the agent does not trust its session any more', urgentMs);
    if (stream?.loss?.epoch === this.epoch) this.end(`lost: ${stream.loss.reason}`, stopMs);
    if (stream !== undefined && nowMs - stream.lastBeatMs >= silenceMaxMs) {
      this.end('the agent has given no sign of life for 1.5 s', stopMs);
    }
    if (nowMs >= this.stopAtMs) this.end('the deadline is near and nothing has moved it on', stopMs);
    if (nowMs >= this.askAtMs && !this.isAsking) void this.ask();
  }

  private untilNextMs(): number {
    const nowMs = this.clock.monotonicMs();
    const { stream } = this.options;
    const silentAtMs = stream === undefined ? Infinity : stream.lastBeatMs + silenceMaxMs;
    const next = this.over.signal.aborted ? [nowMs + 1_000] : [this.stopAtMs, silentAtMs, nowMs + 1_000];
    if (!this.isAsking) next.push(this.askAtMs);
    return Math.max(1, Math.min(...next) - nowMs);
  }

  private async ask(): Promise<void> {
    const sentMs = this.clock.monotonicMs();
    this.isAsking = true;
    try {
      const { state, ownEpoch, trustedForMs } = await this.options.ask();
      this.failures = 0;
      if (state !== 'leading' || ownEpoch !== this.epoch) {
        this.end('lost: the agent says that we do not lead any more', this.options.stopMs);
      } else if (sentMs + trustedForMs > this.deadlineMs && !this.isLost) {
        this.deadlineMs = sentMs + trustedForMs;
        this.stopAtMs = this.deadlineMs - trustedForMs * lastPart;
        this.limitChanged(this.limitMs);
      }
      this.askAtMs = sentMs + this.options.askEveryMs;
    } catch (error) {
      this.failed(error);
    } finally {
      this.isAsking = false;
      this.bell.ring();
    }
  }

  private failed(error: unknown): void {
    this.failures += 1;
    this.askAtMs = this.clock.monotonicMs() + Math.min(100, this.options.askEveryMs);
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof CliFailure ? error.exitCode : undefined;
    if (code === exitCode.conflict) this.end(`lost: ${message}`, this.options.stopMs);
    // With a stream its end tells; without one this is how a dead agent shows.
    const isGone = code === exitCode.unreachable && this.failures >= failuresMax;
    if (isGone && this.options.stream === undefined) this.end(message, urgentMs);
  }

  private end(reason: string, withinMs: number): void {
    this.isLost = true;
    this.endWithin(withinMs, reason);
  }

  /** The first reason counts, and the nearest end: being told twice gives no more time. */
  private endWithin(withinMs: number, reason: string): void {
    const untilMs = this.clock.monotonicMs() + withinMs;
    if (!this.over.signal.aborted) this.over.abort(reason);
    if (untilMs >= this.stopByMs) return;
    this.stopByMs = untilMs;
    this.limitChanged(this.limitMs);
  }
}
