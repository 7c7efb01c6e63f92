// What the index asks the store for, and what it spares it.
import { expect, test } from 'vitest';
import { SegmentIndex, type SegmentIndexOptions } from '../../../src/store/cache/segment-index.ts';
import { LogOfSegments } from './log-of-segments.ts';

const limits = { segmentsMax: 1_000, windowMax: 500, pageSize: 100, tailRestMs: 100, maxAgeMs: 1_000 };

class Reader {
  readonly log = new LogOfSegments();
  readonly results: string[] = [];
  readonly index: SegmentIndex;
  nowMs = 0;

  constructor(options: Partial<SegmentIndexOptions> = {}) {
    this.index = new SegmentIndex(this.log, {
      clock: { monotonicMs: () => this.nowMs },
      count: (result) => this.results.push(result),
      ...limits,
      ...options,
    });
  }

  /** Reads of the store that finding these offsets, one after the other, took. */
  async readsFor(...offsets: readonly number[]): Promise<number> {
    const before = this.reads;
    for (const offset of offsets) await this.index.find('t', 0, offset);
    return this.reads - before;
  }

  get reads(): number {
    const { getPartition, listSegments, findSegment } = this.log.reads;
    return getPartition + listSegments + findSegment;
  }
}

test('what lies in one page is read once, and found any number of times', async () => {
  const reader = new Reader();
  reader.log.append(50, 10);
  expect(await reader.readsFor(120)).toBe(2);
  expect(await reader.readsFor(120, 499, 125, 300)).toBe(0);
  expect(reader.results).toEqual(['miss', 'hit', 'hit', 'hit', 'hit']);
});

test('consumers that wait at the end cost one read per rest, however many ask', async () => {
  const reader = new Reader();
  reader.log.append(5, 10);
  await reader.readsFor(50);
  expect(await reader.readsFor(...Array.from({ length: 100 }, () => 50))).toBe(0);
  reader.nowMs += 101;
  expect(await reader.readsFor(50, 50, 50)).toBe(1);
});

test('only what was added is read, and what was appended here is not read at all', async () => {
  const reader = new Reader();
  reader.log.append(90, 1);
  await reader.readsFor(0);
  reader.log.append(5, 1);
  reader.nowMs += 101;
  await reader.readsFor(94);
  expect(reader.log.listedFrom).toEqual([0, 90]);
  reader.index.appended('t', 0, reader.log.append(3, 1), reader.log.highWatermark);
  expect(await reader.readsFor(95, 96, 97)).toBe(0);
});

test('many that ask for what is not known wait for one read', async () => {
  const reader = new Reader();
  reader.log.append(50, 10);
  let open = (): void => undefined;
  reader.log.gate = new Promise((resolve) => (open = resolve));
  const finds = Array.from({ length: 20 }, (_, i) => reader.index.find('t', 0, i * 20));
  open();
  const found = await Promise.all(finds);
  expect(found.map(({ result }) => result)).toEqual(Array.from({ length: 20 }, () => 'found'));
  expect(reader.log.reads).toEqual({ getPartition: 1, listSegments: 1, findSegment: 0 });
});

test('what was read before the topic went is not kept after', async () => {
  const reader = new Reader();
  reader.log.append(50, 10);
  let open = (): void => undefined;
  reader.log.gate = new Promise((resolve) => (open = resolve));
  const before = reader.index.find('t', 0, 0);
  reader.index.forgetAll();
  reader.log.segments = [];
  reader.log.highWatermark = 0;
  open();
  await before;
  expect(await reader.index.find('t', 0, 0)).toEqual({ result: 'at_end', highWatermark: 0 });
});

test('one reader of the past does not take the window from those at the end', async () => {
  const reader = new Reader({ pageSize: 10 });
  reader.log.append(400, 1);
  await reader.readsFor(395);
  await reader.readsFor(3);
  expect(await reader.readsFor(396, 397)).toBe(0);
  // When nobody is at the end any more, it is his.
  await reader.readsFor(4, 5);
  expect(await reader.readsFor(6, 7, 8)).toBe(0);
});

test('a window keeps the last segments, and all windows together no more than is allowed', async () => {
  const reader = new Reader({ windowMax: 20, segmentsMax: 30, pageSize: 100 });
  reader.log.append(100, 1);
  await reader.readsFor(0);
  expect(await reader.readsFor(80, 99)).toBe(0);
  expect(await reader.readsFor(79)).toBeGreaterThan(0);
  await reader.index.find('t', 1, 80);
  expect(await reader.readsFor(99)).toBeGreaterThan(0);
});

test('a partition that is not there is refused as the store does', async () => {
  const reader = new Reader();
  await expect(reader.index.find('gone', 0, 0)).rejects.toThrow('there is no topic gone');
});
