// What a lookup from memory costs, beside the same question to a store; and what is kept in memory for it. SQLite in this process, so that the
// store's own side is as cheap as a store can be.
import { mkdtemp, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'vitest';
import { partitionKey } from '../src/domain/lease.ts';
import { systemClock } from '../src/platform/clock.ts';
import { StoreCache } from '../src/store/cache/store-cache.ts';
import type { Lookups } from '../src/store/lookups.ts';
import type { MetadataStore } from '../src/store/metadata-store.ts';
import { openSqliteStore } from '../src/store/sqlite/open.ts';

const segmentCount = 100_000;
const batch = 1_000;
const rounds = 15;
const asksInMemory = 20_000;
const asksOfStore = 500;
/** What the index keeps of one partition at most (src/store/cache/cached-lookups.ts); what is asked for lies there. */
const windowKept = 8_000;

export interface CacheFigure {
  readonly what: string;
  /** One for each round: microseconds a lookup. */
  readonly fromMemory: readonly number[];
  readonly fromStore: readonly number[];
}

/** Alternating rounds, one lookup after the other. */
export async function measureLookups(store: MetadataStore): Promise<readonly CacheFigure[]> {
  using cache = cacheOver(store);
  const { lookups } = cache;
  const end = segmentCount * 10;
  await warm(lookups, end);
  let at = 0;
  const offset = (): number => end - 1 - ((at += 7_919) % (windowKept * 10));
  const key = partitionKey('orders', 0);
  const questions: readonly (readonly [string, (lookups: Lookups) => Promise<unknown>])[] = [
    ['topic', (from) => from.getTopic('orders')],
    ['partition', (from) => from.getPartition('orders', 0)],
    ['lease', (from) => from.getLease(key)],
    ['topic that is not there', (from) => from.getTopic('none')],
    ['segment: found', (from) => from.findSegment('orders', 0, offset())],
    ['segment: at the end', (from) => from.findSegment('orders', 0, end)],
  ];
  const figures: CacheFigure[] = [];
  for (const [what, ask] of questions) {
    const fromMemory: number[] = [];
    const fromStore: number[] = [];
    await microseconds(asksInMemory, () => ask(lookups));
    for (let round = 0; round < rounds; round += 1) {
      fromMemory.push(await microseconds(asksInMemory, () => ask(lookups)));
      fromStore.push(await microseconds(asksOfStore, () => ask(store)));
    }
    figures.push({ what, fromMemory, fromStore });
  }
  return figures;
}

/** Bytes of heap for each of the segments that a full window keeps. */
export async function measureMemory(store: MetadataStore): Promise<number> {
  setFlagsFromString('--expose-gc');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is what the flag puts there
  const collect = runInNewContext('gc') as () => void;
  using cache = cacheOver(store);
  collect();
  const before = process.memoryUsage().heapUsed;
  await warm(cache.lookups, segmentCount * 10);
  collect();
  return (process.memoryUsage().heapUsed - before) / windowKept;
}

/** A topic whose partition 0 is led and has 100,000 segments of ten records. */
export async function fill(store: MetadataStore): Promise<void> {
  await store.createTopic({ name: 'orders', partitionCount: 1, retentionMs: null, config: {} });
  const sessionId = randomUUID();
  const agent = {
    agentId: 'bench',
    address: '127.0.0.1:9092',
    zone: 'z',
    weight: 1,
    managedTopics: [],
    metadata: {},
  };
  await store.registerSession({ sessionId, agent, ttlMs: 300_000, process: 'bench' });
  const { outcomes } = await store.acquireLeases(sessionId, [partitionKey('orders', 0)]);
  const [grant] = outcomes;
  if (grant?.outcome !== 'granted') throw new Error('the lease was not granted');
  for (let first = 0; first < segmentCount; first += batch) {
    const segments = Array.from({ length: batch }, (_, i) => {
      const baseOffset = (first + i) * 10;
      const place = { bucket: 'segments-of-a-cluster', key: `orders/0/${grant.epoch}/${randomUUID()}` };
      const size = { recordCount: 10, sizeBytes: 4_194_304 };
      return { id: randomUUID(), baseOffset, endOffset: baseOffset + 9, ...size, ...place };
    });
    await store.appendSegments({ sessionId, epoch: grant.epoch }, 'orders', 0, segments);
  }
}

/** Pays for the clock, and nothing grows old. */
function cacheOver(store: MetadataStore): StoreCache {
  let startedMs: number | undefined;
  const clock = {
    monotonicMs: () => {
      const nowMs = systemClock.monotonicMs();
      startedMs ??= nowMs;
      return Math.min(nowMs, startedMs);
    },
  };
  const signals = { subscribe: () => () => undefined, health: () => ({ ok: true, detail: '' }) };
  return new StoreCache(store, { clock, signals, count: () => undefined });
}

/** As a consumer does that reads the last segments one after the other. */
async function warm(lookups: Lookups, end: number): Promise<void> {
  for (let offset = end - windowKept * 10; offset <= end; offset += 10)
    await lookups.findSegment('orders', 0, offset);
}

async function microseconds(asks: number, ask: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  for (let i = 0; i < asks; i += 1) await ask();
  return ((performance.now() - startedMs) * 1_000) / asks;
}

function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN).toFixed(2);
}

test(`lookups from memory, ${segmentCount} segments in the log`, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'streamhouse-bench-'));
  const store = await openSqliteStore({
    file: join(directory, 'store.db'),
    group: 'default',
    attemptMs: 30_000,
    migrate: true,
  });
  try {
    await fill(store);
    const bytes = await measureMemory(store);
    const figures = await measureLookups(store);
    const rows = figures.map(({ what, fromMemory, fromStore }) =>
      [
        what.padEnd(24),
        ...[fromMemory, fromStore].flatMap((values) =>
          [quantile(values, 0.5), quantile(values, 1)].map((value) => value.padStart(9)),
        ),
      ].join(' '),
    );
    const head = `${'microseconds'.padEnd(24)} ${['memory', 'slowest', 'store', 'slowest'].map((name) => name.padStart(9)).join(' ')}`;
    process.stdout.write(
      `\n${[head, ...rows].join('\n')}\nheap per segment kept: ${bytes.toFixed(0)} bytes\n`,
    );
  } finally {
    await store[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  }
});
