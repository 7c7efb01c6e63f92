// Rounds: every way of doing the same thing has its turn in each, so that whatever else the machine does meanwhile meets all of them.
// The first round warms up and is not counted; who begins changes from round to round.
import process from 'node:process';

/** What one turn measured: the time of each operation, and of all of them together. */
export interface Sample {
  readonly ms: readonly number[];
  readonly tookMs: number;
  /** Processor time of this process meanwhile, milliseconds: other work on the machine changes it little. */
  readonly cpuMs?: number;
}

/** One turn. It may do several things, each measured by itself under its name. */
export type Turn<What extends string> = () => Promise<Readonly<Record<What, Sample>>>;

/** The samples of each way, by what was done, in the order of the rounds. */
export type Rounds<Way extends string, What extends string> = ReadonlyMap<
  Way,
  readonly Readonly<Record<What, Sample>>[]
>;

export async function inRounds<Way extends string, What extends string>(
  rounds: number,
  ways: Readonly<Record<Way, Turn<What>>>,
): Promise<Rounds<Way, What>> {
  const names = Object.keys(ways).filter((name): name is Way => name in ways);
  const measured = new Map<Way, Readonly<Record<What, Sample>>[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(round + i) % names.length];
      if (name === undefined) continue;
      const sample = await ways[name]();
      if (round > 0) measured.get(name)?.push(sample);
    }
  }
  return measured;
}

export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const startedMs = performance.now();
  const value = await work();
  return { ms: performance.now() - startedMs, value };
}

/** A turn that is one operation. */
export async function once(work: () => Promise<unknown>): Promise<Sample> {
  const { ms } = await timed(work);
  return { ms: [ms], tookMs: ms };
}

export interface Load {
  /** Operations under way at any moment. */
  readonly concurrency: number;
  /** No operation begins after so long, milliseconds. */
  readonly forMs: number;
}

/** Keeps `concurrency` operations under way until the time is up, or `operation` has nothing left and answers undefined. */
export async function underLoad(
  { concurrency, forMs }: Load,
  operation: (worker: number) => Promise<unknown> | undefined,
): Promise<Sample> {
  const ms: number[] = [];
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const work = async (worker: number): Promise<void> => {
    for (;;) {
      const beganMs = performance.now();
      if (beganMs - startedMs >= forMs) return;
      const pending = operation(worker);
      if (pending === undefined) return;
      await pending;
      ms.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, worker) => work(worker)));
  const tookMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, tookMs, cpuMs: (user + system) / 1_000 };
}

/** Does it once for each of `items`, `concurrency` at a time. */
export async function forEach<T>(
  items: readonly T[],
  concurrency: number,
  operation: (item: T) => Promise<unknown>,
): Promise<Sample> {
  let next = 0;
  return underLoad({ concurrency, forMs: Number.POSITIVE_INFINITY }, () => {
    if (next >= items.length) return undefined;
    const item = items[next++];
    return item === undefined ? undefined : operation(item);
  });
}
