// Whether anybody remembers what he read, and so must hear of what changes it. Where nobody does nobody is told: each notification wakes
// every listener of the database, so that a thousand agents that tell of their grants wake each other a million times.
//
// Who remembers says so now and then, in the place of all who do: those who hear it put off saying it themselves.
import type { Clock } from '../platform/clock.ts';

export interface InterestDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly random: () => number;
  /** Says to all that somebody remembers. */
  readonly announce: () => void;
}

/** How often it is said while it is so, at least, milliseconds. */
const announceMs = 10_000;
/** What was said holds for so long: two may be lost. */
const holdsMs = 3 * announceMs;
/** What all may need to hear of it, milliseconds: before that nothing is remembered. */
const spreadMs = 100;

export class Interest {
  private readonly deps: InterestDeps;
  /** All monotonic, milliseconds. */
  private untilMs = -Infinity;
  private sinceMs = Infinity;
  private announceAtMs = -Infinity;

  constructor(deps: InterestDeps) {
    this.deps = deps;
  }

  /** Whether somebody may remember, and is to be told. */
  get isLikely(): boolean {
    return this.deps.clock.monotonicMs() < this.untilMs;
  }

  /** We would remember. Whether we may: all have heard by now that somebody does. */
  want(): boolean {
    const nowMs = this.deps.clock.monotonicMs();
    if (nowMs >= this.announceAtMs) {
      this.deps.announce();
      this.said(nowMs);
    }
    return nowMs - this.sinceMs >= spreadMs;
  }

  /** Somebody else remembers. */
  heard(): void {
    this.said(this.deps.clock.monotonicMs());
  }

  /** We could not hear, and cannot know: who remembers says so soon. What is asked of us is to be said anew. */
  connected(): void {
    const nowMs = this.deps.clock.monotonicMs();
    this.untilMs = Math.max(this.untilMs, nowMs + 2 * announceMs);
    this.sinceMs = Infinity;
    this.announceAtMs = nowMs;
  }

  private said(nowMs: number): void {
    if (nowMs >= this.untilMs) this.sinceMs = Infinity; // it had lapsed
    this.sinceMs = Math.min(this.sinceMs, nowMs);
    this.untilMs = Math.max(this.untilMs, nowMs + holdsMs);
    this.announceAtMs = nowMs + announceMs * (1 + this.deps.random() / 2);
  }
}
