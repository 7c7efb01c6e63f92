// Simulated time, and everything that is to happen in it, in order. Between two events the code under simulation runs until nothing of
// it waits for anything but simulated time: there is no other time for it to wait for.

interface Planned {
  readonly dueMs: number;
  /** What is due at the same moment happens in the order it was planned. */
  readonly number: number;
  run: (() => void) | undefined;
}

/** Takes an event back. */
export type Cancel = () => void;

export class Scheduler {
  private readonly heap: Planned[] = [];
  private planned = 0;
  private now = 0;

  /** Milliseconds since the beginning of the simulation. */
  get nowMs(): number {
    return this.now;
  }

  at(dueMs: number, run: () => void): Cancel {
    const event: Planned = { dueMs: Math.max(dueMs, this.now), number: this.planned, run };
    this.planned += 1;
    this.push(event);
    return () => {
      event.run = undefined;
    };
  }

  after(ms: number, run: () => void): Cancel {
    return this.at(this.now + ms, run);
  }

  /** Lets everything happen that is due until then; `afterEach` looks at the world when it has come to rest behind each event. */
  async runUntil(untilMs: number, afterEach: () => void): Promise<void> {
    await atRest();
    for (let next = this.heap[0]; next !== undefined && next.dueMs <= untilMs; next = this.heap[0]) {
      this.pop();
      if (next.run === undefined) continue;
      this.now = next.dueMs;
      next.run();
      await atRest();
      afterEach();
    }
    this.now = untilMs;
  }

  private push(event: Planned): void {
    const { heap } = this;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [one, two] = [heap[left], heap[left + 1]];
      if (one === undefined) break;
      const isRight = two !== undefined && isBefore(two, one);
      const child = isRight ? two : one;
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = isRight ? left + 1 : left;
    }
    heap[at] = last;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.dueMs === b.dueMs ? a.number < b.number : a.dueMs < b.dueMs;
}

/**
 * Resolves when no promise is left to be settled by another: Node runs the ticks that microtasks have asked for only when there are no
 * more microtasks. A turn of the event loop would do the same, ten times slower.
 */
function atRest(): Promise<void> {
  return new Promise((resolve) => {
    queueMicrotask(() => process.nextTick(resolve));
  });
}
