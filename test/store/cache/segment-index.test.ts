// What the index asks the store for, and what it spares it.
import { expect, test } from 'vitest';
import { SegmentIndex, type SegmentIndexOptions } from '../../../src/store/cache/segment-index.ts';
import { LogOfSegments } from './log-of-segments.ts';

const limits = {
  segmentsMax: 1_000,
  windowMax: 500,
  firstPage: 100,
  page: 100,
  tailRestMs: 100,
  maxAgeMs: 1_000,
};

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
    const { readLog, findSegment } = this.log.reads;
    return readLog + findSegment;
  }
}

test('what lies in one page is read once, and found any number of times', async () => {
  const reader = new Reader();
  reader.log.append(50, 10);
  expect(await reader.readsFor(120)).toBe(1);
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
  expect(reader.log.readFrom).toEqual([0, 90]);
  reader.index.appended('t', 0, reader.log.append(3, 1));
  expect(await reader.readsFor(95, 96, 97)).toBe(0);
});

test('many that ask for what is not known wait for one read', async () => {
  const reader = new Reader();
  reader.log.append(50, 10);
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  reader.log.pause = () => opened;
  const finds = Array.from({ length: 20 }, (_, i) => reader.index.find('t', 0, i * 20));
  open();
  const found = await Promise.all(finds);
  expect(found.map(({ result }) => result)).toEqual(Array.from({ length: 20 }, () => 'found'));
  expect(reader.log.reads).toEqual({ readLog: 1, findSegment: 0 });
});

test('what was being read when a change was told is not kept', async () => {
  const reader = new Reader();
  reader.log.append(50, 10);
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  reader.log.pause = () => opened;
  const before = reader.index.find('t', 0, 0);
  reader.log.recreate();
  reader.index.allMoved();
  open();
  await before;
  expect(await reader.index.find('t', 0, 0)).toEqual({ result: 'at_end', highWatermark: 0 });
});

test('a log that is another one is noticed, also at the same high watermark and told by nobody', async () => {
  const reader = new Reader();
  reader.log.append(5, 10);
  await reader.readsFor(0, 50);
  reader.log.recreate();
  reader.log.append(5, 10);
  reader.nowMs += 1_001;
  expect(await reader.index.find('t', 0, 0)).toMatchObject({ segment: { id: '2-0' } });
});

test('a database that was set back is noticed', async () => {
  const reader = new Reader();
  const [first] = reader.log.append(1, 10);
  reader.log.append(4, 10);
  await reader.readsFor(0);
  reader.log.segments = first === undefined ? [] : [first];
  reader.log.highWatermark = 10;
  reader.nowMs += 1_001;
  expect(await reader.index.find('t', 0, 20)).toEqual({ result: 'at_end', highWatermark: 10 });
});

test('a change that is told costs a look at the ends, and what is known of the log stays', async () => {
  const reader = new Reader();
  reader.log.append(50, 10);
  await reader.readsFor(0);
  reader.log.removeBefore(100);
  reader.index.allMoved();
  expect(await reader.index.find('t', 0, 50)).toEqual({ result: 'before_start', startOffset: 100 });
  expect(await reader.readsFor(120, 300, 499, 99)).toBe(0);
  expect(reader.log.readFrom).toEqual([0, 500]);
});

test('one reader of the past does not take the window from those at the end', async () => {
  const reader = new Reader({ firstPage: 10, page: 10 });
  reader.log.append(400, 1);
  await reader.readsFor(395);
  await reader.readsFor(3);
  expect(await reader.readsFor(396, 397)).toBe(0);
  // When nobody is at the end any more, it is his.
  await reader.readsFor(4, 5);
  expect(await reader.readsFor(6, 7, 8)).toBe(0);
});

test('a lookup of the past is shared by those who ask meanwhile, and by nobody who asks after a change', async () => {
  const reader = new Reader({ firstPage: 10, page: 10 });
  reader.log.append(400, 1);
  await reader.readsFor(395, 396);
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  reader.log.pause = () => opened;
  const before = reader.index.find('t', 0, 3);
  reader.log.removeBefore(10);
  reader.index.appended('t', 0, reader.log.append(1, 1));
  await reader.index.find('t', 0, 396);
  const after = reader.index.find('t', 0, 3);
  open();
  expect(await before).toMatchObject({ result: 'found' });
  expect(await after).toEqual({ result: 'before_start', startOffset: 10 });
});

test('a reader that goes from segment to segment asks once a page', async () => {
  const reader = new Reader({ firstPage: 10, page: 50 });
  reader.log.append(400, 1);
  const offsets = Array.from({ length: 400 }, (_, offset) => offset);
  expect(await reader.readsFor(...offsets)).toBe(9);
});

test('all windows together keep no more than is allowed, also when they grow by what is appended', async () => {
  const reader = new Reader({ windowMax: 20, segmentsMax: 30 });
  reader.log.append(10, 1);
  await reader.readsFor(0);
  await reader.index.find('t', 1, 0);
  expect(reader.index.size).toBe(20);
  for (let i = 0; i < 50; i += 1) reader.index.appended('t', 0, reader.log.append(1, 1));
  expect(reader.index.size).toBeLessThanOrEqual(20);
  expect(await reader.readsFor(59)).toBe(0);
  await reader.index.find('t', 1, 59);
  expect(reader.index.size).toBeLessThanOrEqual(30);
});

test('a partition that is not there is refused as the store does, by one read', async () => {
  const reader = new Reader();
  await expect(reader.index.find('gone', 0, 0)).rejects.toThrow('there is no topic gone');
  expect(reader.reads).toBe(1);
});
