// Joins what is asked for in one turn of the event loop, or while earlier requests are under way, into one request for all. Each item has
// its own answer, keeps its place among those that concern the same thing, and waits for nobody else's lock.

export interface JoinedWork<T, R> {
  /** What the item concerns: items that share a key are done in the order in which they came. */
  readonly keysOf: (item: T) => readonly string[];
  /** How much of a request it takes up. */
  readonly weightOf: (item: T) => number;
  /** Items may share a key within a request, which does them in order. */
  readonly sharesKeys: boolean;
  /** One request for all, which does not wait for long. Answers for each item, in their order; undefined: not done, it is to go apart. */
  readonly together: (items: readonly T[]) => Promise<readonly (R | undefined)[]>;
  /** One item by itself, which may wait. `wasTried`: together with others first. */
  readonly apart: (item: T, wasTried: boolean) => Promise<R>;
  /** Whether the request did nothing, for a reason that may be one item's alone. */
  readonly blamesAnItem: (error: unknown) => boolean;
}

export interface JoiningLimits {
  /** Requests under way at once, not counting what went apart. */
  readonly atOnce: number;
  /** The weight of one request; an item that is heavier goes by itself. */
  readonly weightMax: number;
  readonly waitingMax: number;
  /** How long an item may wait for a request, milliseconds; undefined: as long as it takes. */
  readonly patienceMs?: number | undefined;
  /** What an item fails with that finds too many waiting, or whose patience is over: it was not asked for. */
  readonly refuse: (why: 'too many' | 'too late') => Error;
  /** Whether an item that comes by itself may go apart at once. */
  readonly mayGoApart: () => boolean;
  /** Calls back when what arrives in this turn has arrived. */
  readonly atTurnsEnd: (work: () => void) => void;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly keys: readonly string[];
  readonly weight: number;
  readonly sinceMs: number;
  readonly resolve: (answer: R) => void;
  readonly reject: (error: unknown) => void;
}

export class Joining<T, R> {
  private readonly work: JoinedWork<T, R>;
  private readonly limits: JoiningLimits;
  private waiting: Waiting<T, R>[] = [];
  private requests = 0;
  private isScheduled = false;
  /** Keys of what is under way, with the number of items. */
  private readonly underWay = new Map<string, number>();
  /** By key, the last item that went apart. */
  private readonly apart = new Map<string, Promise<void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(work: JoinedWork<T, R>, limits: JoiningLimits) {
    this.work = work;
    this.limits = limits;
  }

  run(item: T): Promise<R> {
    const { keysOf, weightOf } = this.work;
    return new Promise((resolve, reject) => {
      if (this.waiting.length >= this.limits.waitingMax) {
        reject(this.limits.refuse('too many'));
        return;
      }
      const sinceMs = performance.now();
      this.waiting.push({ item, keys: keysOf(item), weight: weightOf(item), sinceMs, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.isScheduled || this.waiting.length === 0) return;
    if (this.requests >= this.limits.atOnce) {
      this.watchPatience();
      return;
    }
    this.isScheduled = true;
    this.limits.atTurnsEnd(() => {
      this.isScheduled = false;
      this.send();
    });
  }

  private send(): void {
    while (this.requests < this.limits.atOnce) {
      const taken = this.take();
      const [only] = taken;
      if (only === undefined) break;
      if (taken.length === 1 && this.limits.mayGoApart()) this.goApart(only, false);
      else void this.request(taken);
    }
    this.watchPatience();
  }

  /** The next request's items. What concerns something under way stays, and so does all behind it that concerns the same. */
  private take(): Waiting<T, R>[] {
    const taken: Waiting<T, R>[] = [];
    const left: Waiting<T, R>[] = [];
    const passed = new Set<string>();
    const own = new Set<string>();
    let weight = 0;
    for (const each of this.waiting) {
      const { keys } = each;
      const fits = taken.length === 0 || weight + each.weight <= this.limits.weightMax;
      const mustWait = (key: string): boolean =>
        this.underWay.has(key) || passed.has(key) || (!this.work.sharesKeys && own.has(key));
      if (fits && !keys.some(mustWait)) {
        taken.push(each);
        weight += each.weight;
        for (const key of keys) own.add(key);
      } else {
        left.push(each);
        for (const key of keys) passed.add(key);
      }
    }
    this.waiting = left;
    for (const { keys } of taken) {
      for (const key of keys) this.underWay.set(key, (this.underWay.get(key) ?? 0) + 1);
    }
    return taken;
  }

  private async request(taken: readonly Waiting<T, R>[]): Promise<void> {
    this.requests += 1;
    await this.settle(taken);
    this.requests -= 1;
    this.schedule();
  }

  private async settle(taken: readonly Waiting<T, R>[]): Promise<void> {
    // Of a request that was halved, the other half may have left something that goes before.
    const isBehind = ({ keys }: Waiting<T, R>): boolean => keys.some((key) => this.apart.has(key));
    const [behind, joined] = [taken.filter(isBehind), taken.filter((each) => !isBehind(each))];
    for (const each of behind) this.goApart(each, false);
    const [only, ...others] = joined;
    if (only === undefined) return;
    let answers: readonly (R | undefined)[];
    try {
      answers = await this.work.together(joined.map(({ item }) => item));
    } catch (error) {
      if (!this.work.blamesAnItem(error)) {
        for (const each of joined) this.end(each, () => each.reject(error));
      } else if (others.length === 0) {
        this.goApart(only, true);
      } else {
        const half = Math.ceil(joined.length / 2);
        await this.settle(joined.slice(0, half));
        await this.settle(joined.slice(half));
      }
      return;
    }
    for (const [index, each] of joined.entries()) {
      const answer = answers[index];
      if (answer === undefined) this.goApart(each, true);
      else this.end(each, () => each.resolve(answer));
    }
  }

  /** Behind what went apart before with one of the same keys. */
  private goApart(each: Waiting<T, R>, wasTried: boolean): void {
    const before = each.keys.flatMap((key) => this.apart.get(key) ?? []);
    const done = this.doApart(each, wasTried, before).finally(() => {
      for (const key of each.keys) if (this.apart.get(key) === done) this.apart.delete(key);
      this.schedule();
    });
    for (const key of each.keys) this.apart.set(key, done);
  }

  private async doApart(
    each: Waiting<T, R>,
    wasTried: boolean,
    before: readonly Promise<void>[],
  ): Promise<void> {
    try {
      if (before.length > 0) await Promise.all(before);
      const answer = await this.work.apart(each.item, wasTried);
      this.end(each, () => each.resolve(answer));
    } catch (error) {
      this.end(each, () => each.reject(error));
    }
  }

  private end({ keys }: Waiting<T, R>, tell: () => void): void {
    for (const key of keys) {
      const count = this.underWay.get(key) ?? 0;
      if (count > 1) this.underWay.set(key, count - 1);
      else this.underWay.delete(key);
    }
    tell();
  }

  /** One timer for all, set anew only when it has run out. */
  private watchPatience(): void {
    const { patienceMs, refuse } = this.limits;
    const [oldest] = this.waiting;
    if (patienceMs === undefined || oldest === undefined || this.timer !== undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        const endMs = performance.now() - patienceMs;
        const late = this.waiting.filter(({ sinceMs }) => sinceMs <= endMs);
        this.waiting = this.waiting.filter(({ sinceMs }) => sinceMs > endMs);
        for (const { reject } of late) reject(refuse('too late'));
        this.watchPatience();
      },
      Math.max(1, oldest.sinceMs + patienceMs - performance.now()),
    );
    this.timer.unref();
  }
}
