// The checker of records against histories that are wrong in one way each: a check that cannot fail proves nothing.
import { expect, test } from 'vitest';
import { checkRecords } from '../../src/demo/checks/records.ts';
import type {
  ReadPartition,
  ReadRecord,
  ReadSegment,
  RecordEvidence,
  SentBatch,
  ZombieAppend,
} from '../../src/demo/records.ts';

const name = { topic: 'orders', partition: 0 };
const a: SentBatch = batch('a', 'p1', [0, 1]);
const b: SentBatch = batch('b', 'p2', [0]);
const c: SentBatch = batch('c', 'p1', [2]);

function batch(id: string, producer: string, seqs: readonly number[]): SentBatch {
  return { ...name, id, records: seqs.map((seq) => ({ producer, seq })) };
}

/** Three batches under two terms; the last one was never acknowledged and is there all the same. */
const records: readonly ReadRecord[] = [...a.records, ...b.records, ...c.records].map((record, offset) => ({
  offset,
  record,
}));
const segments: readonly ReadSegment[] = [
  { id: 'a', epoch: 5, key: 'orders/0/5/0-a.seg', baseOffset: 0, endOffset: 1 },
  { id: 'b', epoch: 5, key: 'orders/0/5/2-b.seg', baseOffset: 2, endOffset: 2 },
  { id: 'c', epoch: 7, key: 'orders/0/7/3-c.seg', baseOffset: 3, endOffset: 3 },
];
const whole: ReadPartition = { ...name, highWatermark: 4, records, segments };
const zombie: ZombieAppend = {
  ...name,
  id: 'zombie',
  epoch: 5,
  through: 'agent b',
  status: 409,
  code: 'fenced',
  toldEpoch: 7,
  epochBefore: 7,
  epochAfter: 7,
};
const good: RecordEvidence = {
  partitions: [name],
  sent: [a, b, c],
  acknowledged: [
    { batch: a, baseOffset: 0, endOffset: 1 },
    { batch: b, baseOffset: 2, endOffset: 2 },
  ],
  read: [whole],
  zombies: [zombie],
  surprises: [],
};

function violations(evidence: RecordEvidence): string[] {
  return checkRecords(evidence).flatMap((result) => result.violations);
}

function reading(change: Partial<ReadPartition>): RecordEvidence {
  return { ...good, read: [{ ...whole, ...change }] };
}

/** The records at two offsets have changed places. */
function exchanged(one: number, other: number): ReadRecord[] {
  const from = (offset: number): number => (offset === one ? other : offset === other ? one : offset);
  return records.map(({ offset }) => ({
    offset,
    record: records[from(offset)]?.record ?? { producer: '', seq: -1 },
  }));
}

function changedSegment(baseOffset: number, change: Partial<ReadSegment>): RecordEvidence {
  return reading({
    segments: segments.map((each) => (each.baseOffset === baseOffset ? { ...each, ...change } : each)),
  });
}

test('a good history passes', () => {
  expect(violations(good)).toEqual([]);
});

test('a record that was acknowledged and is not there', () => {
  const found = violations(reading({ records: records.filter(({ offset }) => offset !== 2) }));
  expect(found).toContainEqual(expect.stringMatching(/p2#0: acknowledged at 2, is not there/));
  expect(found).toContainEqual(expect.stringMatching(/offset 3 was read where 2 should be/));
});

test('a record at another offset than it was acknowledged with', () => {
  const found = violations(reading({ records: exchanged(2, 3) }));
  expect(found).toEqual([expect.stringMatching(/p2#0: acknowledged at 2, was read at 3/)]);
});

test('a record that is there twice, acknowledged', () => {
  const again = { offset: 4, record: { producer: 'p2', seq: 0 } };
  const found = violations(reading({ records: [...records, again] }));
  expect(found).toContainEqual(expect.stringMatching(/p2#0: acknowledged at 2, was read at 2 and 4/));
});

test('a record that is there twice, never acknowledged', () => {
  const again = { offset: 4, record: { producer: 'p1', seq: 2 } };
  const found = violations(reading({ records: [...records, again] }));
  expect(found).toContainEqual(expect.stringMatching(/p1#2: read 2 times, at 3 and 4/));
});

test('a record that nobody sent there', () => {
  const foreign = { offset: 4, record: { producer: 'p9', seq: 0 } };
  expect(violations(reading({ records: [...records, foreign] }))).toEqual([
    expect.stringMatching(/p9#0: read at 4, and never sent there/),
  ]);
});

test("a producer's records out of order", () => {
  const unacknowledged = {
    ...reading({ records: exchanged(0, 1) }),
    acknowledged: good.acknowledged.slice(1),
  };
  expect(violations(unacknowledged)).toEqual([expect.stringMatching(/p1#0 at 1 stands behind 1/)]);
});

test('a batch acknowledged with more offsets than it has records', () => {
  const acknowledged = [{ batch: a, baseOffset: 0, endOffset: 2 }, ...good.acknowledged.slice(1)];
  expect(violations({ ...good, acknowledged })).toEqual([
    expect.stringMatching(/batch a of 2 was told 0 to 2/),
  ]);
});

test('a later term that wrote before an earlier one', () => {
  const found = violations(changedSegment(2, { epoch: 9, key: 'orders/0/9/2-b.seg' }));
  expect(found).toEqual([expect.stringMatching(/at 3 has epoch 7, behind epoch 9/)]);
});

test('an object uploaded under another term than its segment was appended under', () => {
  const found = violations(changedSegment(2, { epoch: 7 }));
  expect(found).toEqual([expect.stringMatching(/at 2 has epoch 7, and its object is orders\/0\/5/)]);
});

test('a gap between segments', () => {
  expect(violations(reading({ segments: segments.filter(({ id }) => id !== 'b') }))).toEqual([
    expect.stringMatching(/gap, segment c begins at 3 and not at 2$/),
  ]);
});

test('segments that overlap', () => {
  expect(violations(changedSegment(2, { endOffset: 3 }))).toEqual([
    expect.stringMatching(/overlap, segment c begins at 3 and not at 4$/),
  ]);
});

test('a first segment that is missing', () => {
  expect(violations(reading({ segments: segments.slice(1) }))).toEqual([
    expect.stringMatching(/gap, segment b begins at 2 and not at 0$/),
  ]);
});

test('a high watermark beyond the last segment', () => {
  expect(violations(reading({ highWatermark: 5 }))).toEqual([
    expect.stringMatching(/the high watermark is 5, the segments end before 4$/),
  ]);
});

test('a partition that nobody read, or wrote to', () => {
  expect(violations({ ...good, partitions: [name, { ...name, partition: 1 }] })).toEqual([
    'orders/1: nothing was read',
  ]);
});

const badZombies: readonly [what: string, change: Partial<ZombieAppend>, violation: RegExp][] = [
  ['was let through', { status: 201, code: undefined }, /under epoch 5 through agent b was answered 201/],
  ['was refused for another reason', { code: 'offset_gap' }, /was answered 409 offset_gap$/],
  [
    'was told an epoch that was never current',
    { toldEpoch: 9 },
    /told epoch 9, which was 7 before and 7 after/,
  ],
  ['was told no epoch', { toldEpoch: undefined }, /told epoch undefined/],
  ['was none', { epoch: 7 }, /under epoch 7 through agent b: that epoch was not over$/],
  ['was refused and stored', { id: 'c' }, /is stored all the same$/],
];

test.each(badZombies)('a write from the past that %s', (_what, change, violation) => {
  const found = violations({ ...good, zombies: [{ ...zombie, ...change }] });
  expect(found).toEqual([expect.stringMatching(violation)]);
});

test('a refusal that tells an epoch granted meanwhile is lawful', () => {
  expect(violations({ ...good, zombies: [{ ...zombie, toldEpoch: 8, epochAfter: 9 }] })).toEqual([]);
});

test('an answer beyond explanation', () => {
  const surprises = ['orders/0: batch a was answered 404'];
  expect(violations({ ...good, surprises })).toEqual(surprises);
});

test('nothing at all proves nothing', () => {
  const empty = { partitions: [name], sent: [], acknowledged: [], read: [], zombies: [], surprises: [] };
  expect(violations(empty)).toHaveLength(checkRecords(good).length);
});
