// Turns for many at one event loop: everybody in the order of asking, once however often it asked, and after a few
// milliseconds everything else in the process comes first.
import type { Clock } from '../../platform/clock.ts';

export interface Turn {
  take(): void;
}

/** How long turns are given in one go, milliseconds: far below the 50 that nothing here may block for. */
const stretchMs = 10;

/** How many, too: each of them has a system call that the clock may not show. */
const stretchTurnsMax = 100;

export class Turns {
  private readonly clock: Clock;
  private readonly waiting = new Set<Turn>();
  private isScheduled = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  ask(turn: Turn): void {
    this.waiting.add(turn);
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => this.stretch());
  }

  private stretch(): void {
    this.isScheduled = false;
    const endMs = this.clock.monotonicMs() + stretchMs;
    let taken = 0;
    for (const turn of this.waiting) {
      this.waiting.delete(turn);
      turn.take();
      taken += 1;
      if (taken === stretchTurnsMax || this.clock.monotonicMs() >= endMs) break;
    }
    const [next] = this.waiting;
    if (next !== undefined) this.ask(next);
  }
}
