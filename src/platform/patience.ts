// How long to wait for one who took our call and says nothing yet: twice as long after each wait in vain, up to a maximum. A server that is
// crowded comes to each in turn, and who has given up by then costs it as much as who has not: if all give up before their turn, nobody is
// served, however long it goes on.
export class Patience {
  private readonly maxMs: number;
  private ms = 0;

  constructor(maxMs: number) {
    this.maxMs = maxMs;
  }

  /** The wait to allow where `boundMs` is the usual one, milliseconds. */
  of(boundMs: number): number {
    return Math.max(boundMs, this.ms);
  }

  /** It has run out, and was not rewarded since. */
  get isTried(): boolean {
    return this.ms > 0;
  }

  /** It was `ms` in vain. */
  ranOut(ms: number): void {
    this.ms = Math.max(this.ms, Math.min(this.maxMs, 2 * ms));
  }

  reset(): void {
    this.ms = 0;
  }
}
