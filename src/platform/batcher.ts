// Joins requests that come while one is under way into the next: one round trip for many, each with its own answers.

interface Request<T, R> {
  readonly items: readonly T[];
  readonly resolve: (answers: readonly R[]) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher<T, R> {
  private readonly work: (items: readonly T[]) => Promise<readonly R[]>;
  private waiting: Request<T, R>[] = [];
  private running = false;

  /** `work` answers one R for each item, in the order of the items; when it fails, all that were joined fail with it. */
  constructor(work: (items: readonly T[]) => Promise<readonly R[]>) {
    this.work = work;
  }

  /** Answers one R for each item, in their order. */
  run(items: readonly T[]): Promise<readonly R[]> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ items, resolve, reject });
      if (!this.running) void this.workOff();
    });
  }

  private async workOff(): Promise<void> {
    this.running = true;
    while (this.waiting.length > 0) {
      const joined = this.waiting;
      this.waiting = [];
      try {
        const answers = await this.work(joined.flatMap(({ items }) => items));
        let start = 0;
        for (const { items, resolve } of joined) {
          resolve(answers.slice(start, start + items.length));
          start += items.length;
        }
      } catch (error) {
        for (const { reject } of joined) reject(error);
      }
    }
    this.running = false;
  }
}
