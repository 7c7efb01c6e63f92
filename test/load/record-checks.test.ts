// The checker of records against histories that are wrong in one way each: a check that cannot fail proves nothing.
import { expect, test } from 'vitest';
import { checkRecords } from '../../src/demo/checks/records.ts';
import type {
  ReadPartition,
  ReadRecord,
  ReadSegment,
  RecordEvidence,
  SentBatch,
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
  { epoch: 5, key: 'orders/0/5/0-a.seg', baseOffset: 0 },
  { epoch: 5, key: 'orders/0/5/2-b.seg', baseOffset: 2 },
  { epoch: 7, key: 'orders/0/7/3-c.seg', baseOffset: 3 },
];
const good: RecordEvidence = {
  partitions: [name],
  sent: [a, b, c],
  acknowledged: [
    { batch: a, baseOffset: 0, endOffset: 1 },
    { batch: b, baseOffset: 2, endOffset: 2 },
  ],
  read: [{ ...name, records, segments }],
  zombies: [{ ...name, epoch: 5, currentEpoch: 7, status: 409, code: 'fenced' }],
};

function violations(evidence: RecordEvidence): string[] {
  return checkRecords(evidence).flatMap((result) => result.violations);
}

function reading(change: Partial<ReadPartition>): RecordEvidence {
  return { ...good, read: [{ ...name, records, segments, ...change }] };
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

test('a write from the past that was let through', () => {
  const zombies = [{ ...name, epoch: 5, currentEpoch: 7, status: 201, code: undefined }];
  expect(violations({ ...good, zombies })).toEqual([expect.stringMatching(/under epoch 5.*answered 201/)]);
});

test('nothing at all proves nothing', () => {
  const found = violations({ partitions: [name], sent: [], acknowledged: [], read: [], zombies: [] });
  expect(found).toHaveLength(6);
});
