// When a repeated append is the same append, and where a list of segments is not one log.
import { expect, test } from 'vitest';
import { firstDiscontinuity, type NewSegment, sameSegment } from '../../src/domain/segment.ts';

const segment: NewSegment = {
  id: 's1',
  baseOffset: 0,
  endOffset: 9,
  recordCount: 10,
  sizeBytes: 1_000,
  bucket: 'b',
  key: 'k',
};

function run(baseOffset: number, endOffset: number): NewSegment {
  return { ...segment, id: `s${baseOffset}`, baseOffset, endOffset, recordCount: endOffset - baseOffset + 1 };
}

test('two segments are the same only when everything the writer said is', () => {
  expect(sameSegment(segment, { ...segment })).toBe(true);
  const changes: Partial<NewSegment>[] = [
    { id: 's2' },
    { baseOffset: 1 },
    { endOffset: 8 },
    { recordCount: 9 },
    { sizeBytes: 999 },
    { bucket: 'c' },
    { key: 'l' },
  ];
  for (const change of changes) expect(sameSegment(segment, { ...segment, ...change })).toBe(false);
  expect(changes).toHaveLength(Object.keys(segment).length);
});

test('segments that continue each other have no discontinuity, nor has one alone, nor none', () => {
  expect(firstDiscontinuity([run(5, 9), run(10, 10), run(11, 20)])).toBeUndefined();
  expect(firstDiscontinuity([run(5, 9)])).toBeUndefined();
  expect(firstDiscontinuity([])).toBeUndefined();
});

test('the first segment that leaves a gap or overlaps is named by its place', () => {
  expect(firstDiscontinuity([run(0, 4), run(5, 9), run(11, 12), run(20, 21)])).toBe(2);
  expect(firstDiscontinuity([run(0, 4), run(4, 9)])).toBe(1);
});
