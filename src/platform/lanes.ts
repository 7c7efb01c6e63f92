// A bounded number of things at once; what is beyond waits in line, and not for ever.

export interface LanesOptions {
  readonly count: number;
  /** How long one waits for its turn at most, milliseconds; undefined: as long as it takes. */
  readonly patienceMs?: number | undefined;
  /** What one fails with whose patience is over; it has not begun. */
  readonly late: () => Error;
}

export class Lanes {
  private readonly options: LanesOptions;
  private readonly line = new Set<() => void>();
  private used = 0;

  constructor(options: LanesOptions) {
    this.options = options;
  }

  get isFree(): boolean {
    return this.used < this.options.count;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.isFree) this.used += 1;
    else await this.turn();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  /** Resolves with a lane that is the caller's. */
  private turn(): Promise<void> {
    const { patienceMs, late } = this.options;
    return new Promise((resolve, reject) => {
      if (patienceMs === undefined) {
        this.line.add(resolve);
        return;
      }
      const go = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.line.delete(go);
        reject(late());
      }, patienceMs);
      this.line.add(go);
    });
  }

  /** The lane goes to the next in line, if anybody waits. */
  private leave(): void {
    const [next] = this.line;
    if (next === undefined) {
      this.used -= 1;
      return;
    }
    this.line.delete(next);
    next();
  }
}
