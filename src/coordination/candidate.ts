// One candidate in one role's race: what it lives on, and until when.
import type { Clock } from '../platform/clock.ts';
import type { CandidacyHold } from './elections.ts';

/** Why a candidacy is over. `stopped`: with the agent. */
export type CandidacyEnd = 'resigned' | 'expired' | 'stream_closed' | 'stopped';

export class Candidate {
  readonly role: string;
  readonly name: string;
  readonly hold: CandidacyHold;
  private readonly clock: Clock;
  private readonly ended = new AbortController();
  /** Monotonic; Infinity for one that lives on a stream. */
  private untilMs: number;
  private news = new AbortController();

  /** `receivedMs`: when the request came, from which its hold counts. */
  constructor(clock: Clock, role: string, name: string, hold: CandidacyHold, receivedMs: number) {
    this.clock = clock;
    this.role = role;
    this.name = name;
    this.hold = hold;
    this.untilMs = hold.by === 'renewal' ? receivedMs + hold.holdMs : Infinity;
  }

  get isOver(): boolean {
    return this.ended.signal.aborted;
  }

  /** How long it lives on without another renewal, milliseconds; 0 when that is over. */
  restMs(): number {
    return Math.max(0, this.untilMs - this.clock.monotonicMs());
  }

  /** Whether a repeated campaign with this hold is about the same candidacy. */
  livesOn(hold: CandidacyHold): boolean {
    if (hold.by === 'renewal') return this.hold.by === 'renewal';
    return this.hold.by === 'stream' && this.hold.ended === hold.ended;
  }

  /** Only ever extends: a request that was overtaken by a later one changes nothing. */
  renew(holdMs: number, receivedMs: number): void {
    this.untilMs = Math.max(this.untilMs, receivedMs + holdMs);
  }

  /** Aborts when it wins or its candidacy is over: whoever waits for it looks again. */
  get awaited(): AbortSignal {
    return this.news.signal;
  }

  /** It has won: wakes who waits for it. */
  tell(): void {
    this.news.abort();
    if (!this.isOver) this.news = new AbortController();
  }

  /** Calls `end` when what it lives on is over, until the candidacy has ended. */
  async watch(end: (why: CandidacyEnd) => void): Promise<void> {
    const { signal } = this.ended;
    if (this.hold.by === 'stream') {
      const onEnd = (): void => end('stream_closed');
      if (this.hold.ended.aborted) return onEnd();
      this.hold.ended.addEventListener('abort', onEnd, { once: true, signal });
      return undefined;
    }
    while (!signal.aborted) {
      const restMs = this.restMs();
      if (restMs === 0) return end('expired');
      await this.clock.sleep(restMs, signal);
    }
    return undefined;
  }

  /** Only the race ends a candidacy. */
  end(): void {
    this.ended.abort();
    this.tell();
  }
}
