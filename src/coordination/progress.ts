// What a coordinator shows for its work: a stamp that its heartbeats carry, and that grows whenever every part of the work has got on since
// it last grew. One part that is stuck stops it, however well the others go on.

/** `planning`: a round of the rebalancer that did not fail, if only to find nothing to do; `watching`: a look at all sessions. */
export type CoordinatorWork = 'planning' | 'watching';

const parts: readonly CoordinatorWork[] = ['planning', 'watching'];

export class Progress {
  private grown = 0;
  private readonly since = new Set<CoordinatorWork>();

  get stamp(): number {
    return this.grown;
  }

  made(part: CoordinatorWork): void {
    this.since.add(part);
    if (this.since.size < parts.length) return;
    this.since.clear();
    this.grown += 1;
  }
}
