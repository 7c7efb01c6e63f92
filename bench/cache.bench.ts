// What a lookup from memory costs, beside the same question to a store; and what is kept in memory for it. SQLite in this process, so that the
// store's own side is as cheap as a store can be.
import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { partitionKey } from '../src/domain/lease.ts';
import { systemClock } from '../src/platform/clock.ts';
import { StoreCache } from '../src/store/cache/store-cache.ts';
import type { Lookups } from '../src/store/lookups.ts';
import type { MetadataStore } from '../src/store/metadata-store.ts';
import type { Stage } from './bench.ts';
import { rowsOf, type TimeRow } from './harness/findings.ts';
import { inRounds, type Sample, timed } from './harness/rounds.ts';
import { createTopic, granted, join } from './stage/cast.ts';
import { sqliteStage } from './stage/sqlite.ts';

const topic = 'orders';
const key = partitionKey(topic, 0);
const segmentCount = 100_000;
const recordsEach = 10;
const end = segmentCount * recordsEach;
const segmentsAtOnce = 1_000;
/** What the index keeps of one partition at most (src/store/cache/cached-lookups.ts); what is asked for lies there. */
const windowKept = 8_000;
/** Of one turn: a lookup from memory is too short to be timed by itself. */
const asksOfMemory = 20_000;
const asksOfStore = 500;
/** Any two lookups one after the other are far apart. */
const stride = 7_919;

type Ask = (from: Lookups) => Promise<unknown>;

export async function measureCache(stage: Stage): Promise<void> {
  await using sqlite = await sqliteStage();
  const { store } = sqlite;
  await fill(store);
  const heapBytes = await heapOfSegment(store);
  using cache = cacheOver(store);
  await warm(cache.lookups);
  let asked = 0;
  const offset = (): number => end - 1 - ((asked += stride) % (windowKept * recordsEach));
  const cached = await measure(stage, store, cache.lookups, {
    topic: (from) => from.getTopic(topic),
    partition: (from) => from.getPartition(topic, 0),
    lease: (from) => from.getLease(key),
    'topic that is not there': (from) => from.getTopic('none'),
  });
  const indexed = await measure(stage, store, cache.lookups, {
    'segment: found': (from) => from.findSegment(topic, 0, offset()),
    'segment: at the end': (from) => from.findSegment(topic, 0, end),
  });
  stage.findings.add({
    title: `Lookups from memory beside SQLite, ${segmentCount.toLocaleString('en')} segments, one lookup after the other`,
    rows: [...cached, ...indexed],
    values: [
      { what: 'cached read', amount: slowestUs(cached), unit: 'µs' },
      { what: 'segment found in the index', amount: slowestUs(indexed), unit: 'µs' },
      { what: 'heap for each segment kept', amount: heapBytes, unit: 'bytes' },
    ],
    notes: [
      'Each run is the mean of a turn; the values are the medians of the rounds, of the slowest question.',
    ],
  });
}

async function measure(
  { rounds }: Stage,
  store: MetadataStore,
  lookups: Lookups,
  questions: Readonly<Record<string, Ask>>,
): Promise<readonly TimeRow[]> {
  const rows: TimeRow[] = [];
  for (const [what, ask] of Object.entries(questions)) {
    const measured = await inRounds(rounds, {
      memory: async () => ({ lookup: await meanOf(asksOfMemory, () => ask(lookups)) }),
      store: async () => ({ lookup: await meanOf(asksOfStore, () => ask(store)) }),
    });
    rows.push(...rowsOf(measured, { suffix: ` of ${what}`, counts: true }));
  }
  return rows;
}

async function meanOf(asks: number, ask: () => Promise<unknown>): Promise<Sample> {
  const { ms } = await timed(async () => {
    for (let i = 0; i < asks; i += 1) await ask();
  });
  return { ms: [ms / asks], tookMs: ms / asks };
}

function slowestUs(rows: readonly TimeRow[]): number {
  return Math.max(...rows.filter(({ way }) => way === 'memory').map(({ ms }) => ms.median)) * 1_000;
}

/** Bytes, of a full window. */
async function heapOfSegment(store: MetadataStore): Promise<number> {
  setFlagsFromString('--expose-gc');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is what the flag puts there
  const collect = runInNewContext('gc') as () => void;
  using cache = cacheOver(store);
  collect();
  const before = process.memoryUsage().heapUsed;
  await warm(cache.lookups);
  collect();
  return (process.memoryUsage().heapUsed - before) / windowKept;
}

/** A topic whose partition 0 is led and has many segments. */
async function fill(store: MetadataStore): Promise<void> {
  await createTopic(store, topic, 1);
  const sessionId = await join(store, 'writer');
  const [term] = granted(await store.acquireLeases(sessionId, [key]));
  if (term === undefined) throw new Error('the lease was not granted');
  const { epoch } = term;
  for (let first = 0; first < segmentCount; first += segmentsAtOnce) {
    const segments = Array.from({ length: segmentsAtOnce }, (_, i) => {
      const baseOffset = (first + i) * recordsEach;
      const place = { bucket: 'segments-of-a-cluster', key: `${topic}/0/${epoch}/${randomUUID()}` };
      const size = { recordCount: recordsEach, sizeBytes: 4_194_304 };
      return { id: randomUUID(), baseOffset, endOffset: baseOffset + recordsEach - 1, ...size, ...place };
    });
    await store.appendSegments({ sessionId, epoch }, topic, 0, segments);
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
  const signals = { subscribe: () => () => undefined, tellsOf: () => true };
  return new StoreCache(store, { clock, signals, count: () => undefined });
}

/** As a consumer does that reads the last segments one after the other. */
async function warm(lookups: Lookups): Promise<void> {
  for (let offset = end - windowKept * recordsEach; offset <= end; offset += recordsEach) {
    await lookups.findSegment(topic, 0, offset);
  }
}
