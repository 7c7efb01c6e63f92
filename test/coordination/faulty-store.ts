// A metadata store whose answers a test may lose. It stands before a real store: what a fault lets through really happens, and
// what it swallows really does not.
import { StoreUnavailable } from '../../src/domain/refusal.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { turn } from './manual-clock.ts';

export type Operation = Extract<
  {
    [Name in keyof MetadataStore]: MetadataStore[Name] extends (...args: never[]) => Promise<unknown>
      ? Name
      : never;
  }[keyof MetadataStore],
  string
>;

export interface Call {
  readonly operation: string;
  readonly args: readonly unknown[];
}

/** What becomes of one call. `rest` marks a wait that is the fault's own, so that nobody waits for it to come to rest. */
export type Fault = (
  run: () => Promise<unknown>,
  rest: <T>(wait: Promise<T>) => Promise<T>,
) => Promise<unknown>;

export const faults = {
  /** The request never arrives; the caller cannot know. */
  loseRequest: () => Promise.reject(unavailable('the request was lost', true)),
  /** The request takes effect, its reply does not arrive. */
  loseReply: async (run) => {
    await run();
    throw unavailable('the reply was lost', true);
  },
  /** The store says that it cannot now; nothing happened. */
  refuse: () => Promise.reject(unavailable('the store cannot now', false)),
} satisfies Record<string, Fault>;

/** The request takes this long to arrive. */
export function delayed(clock: Clock, ms: number): Fault {
  return async (run, rest) => {
    await rest(clock.sleep(ms));
    return run();
  };
}

/** A call held back until it is let go. */
export interface Held {
  /** Resolves when the call has come. */
  readonly arrived: Promise<void>;
  letGo(): void;
}

export class FaultyStore {
  readonly store: MetadataStore;
  readonly calls: Call[] = [];
  private readonly planned = new Map<string, Fault[]>();
  private readonly standing = new Map<string, Fault>();
  private readonly held: (() => void)[] = [];
  private running = 0;

  constructor(real: MetadataStore) {
    this.store = new Proxy(real, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function' || typeof name === 'symbol') return member;
        return (...args: readonly unknown[]) =>
          this.call({ operation: name, args }, async () => Reflect.apply(member, target, args));
      },
    });
  }

  /** The next `times` calls of the operation, behind those planned already. */
  next(operation: Operation, fault: Fault, times = 1): void {
    const queue = this.planned.get(operation) ?? [];
    for (let call = 0; call < times; call += 1) queue.push(fault);
    this.planned.set(operation, queue);
  }

  /** All calls of these operations until they are healed. */
  always(fault: Fault, ...operations: readonly Operation[]): void {
    for (const operation of operations) this.standing.set(operation, fault);
  }

  /** Forgets what was planned for these operations; without any, for all. */
  heal(...operations: readonly Operation[]): void {
    const healed = operations.length > 0 ? operations : [...this.planned.keys(), ...this.standing.keys()];
    for (const operation of healed) {
      this.planned.delete(operation);
      this.standing.delete(operation);
    }
  }

  /** Holds the next call back before it takes effect, or, at its `reply`, after. */
  hold(operation: Operation, at: 'request' | 'reply' = 'request'): Held {
    let letGo = (): void => undefined;
    let arrive = (): void => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const open = new Promise<void>((resolve) => (letGo = resolve));
    this.held.push(letGo);
    this.next(operation, async (run, rest) => {
      const answer = at === 'reply' ? await run() : undefined;
      arrive();
      await rest(open);
      return at === 'reply' ? answer : run();
    });
    return { arrived, letGo };
  }

  /** Of all that is held back: a test that failed halfway leaves nobody waiting. */
  letGoAll(): void {
    for (const letGo of this.held.splice(0)) letGo();
  }

  /** How often the operation was asked for. */
  count(operation: Operation): number {
    return this.calls.filter((call) => call.operation === operation).length;
  }

  /** Whether a call is under way that is not held back. */
  get busy(): boolean {
    return this.running > 0;
  }

  private async call(call: Call, run: () => Promise<unknown>): Promise<unknown> {
    this.calls.push(call);
    const fault = this.planned.get(call.operation)?.shift() ?? this.standing.get(call.operation);
    this.running += 1;
    try {
      return fault ? await fault(run, (wait) => this.resting(wait)) : await run();
    } finally {
      this.running -= 1;
    }
  }

  private async resting<T>(wait: Promise<T>): Promise<T> {
    this.running -= 1;
    try {
      return await wait;
    } finally {
      this.running += 1;
    }
  }
}

/** Resolves when no store has a call under way and nothing follows from the last ones. */
export async function atRest(stores: Iterable<FaultyStore>): Promise<void> {
  const all = [...stores];
  for (let quiet = 0; quiet < 2;) {
    await turn();
    quiet = all.some((store) => store.busy) ? 0 : quiet + 1;
  }
}

function unavailable(message: string, outcomeUnknown: boolean): StoreUnavailable {
  return new StoreUnavailable(`test: ${message}`, { outcomeUnknown });
}
