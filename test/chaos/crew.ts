// Work that goes on beside a run: stopped, and waited for, before what it works on is taken away. A fault that outlives its run would
// start agents that nobody ends.

export class Crew implements AsyncDisposable {
  /** Aborted when the run is, or when it is over. */
  readonly signal: AbortSignal;
  private readonly over = new AbortController();
  private readonly works: Promise<unknown>[] = [];

  constructor(run: AbortSignal) {
    this.signal = AbortSignal.any([run, this.over.signal]);
  }

  /** Answers the work itself. If nobody waits for it, its failure is nobody's. */
  async join<T>(work: Promise<T>): Promise<T> {
    this.works.push(work);
    work.catch(() => undefined);
    return work;
  }

  stop(): void {
    this.over.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await Promise.allSettled(this.works);
  }
}
