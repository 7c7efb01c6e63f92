// Growing, jittered delays between attempts, so that a cluster that lost its store does not come back all at once.

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class Backoff {
  private attempts = 0;
  private readonly options: BackoffOptions;

  constructor(options: BackoffOptions) {
    this.options = options;
  }

  /** How many failures in a row. */
  get failures(): number {
    return this.attempts;
  }

  /** The delay before the next attempt: between half and all of a span that doubles up to the maximum. */
  nextMs(): number {
    const { firstMs, maxMs, random } = this.options;
    const span = Math.min(maxMs, firstMs * 2 ** Math.min(this.attempts, 20));
    this.attempts += 1;
    return span / 2 + (span / 2) * random();
  }

  reset(): void {
    this.attempts = 0;
  }
}
