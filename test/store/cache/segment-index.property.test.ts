// The index answers as the store does, whatever is appended, left out, removed and asked for in whatever order: as long as it hears of
// what others change.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SegmentIndex } from '../../../src/store/cache/segment-index.ts';
import { LogOfSegments } from './log-of-segments.ts';

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ find: fc.nat(60) }) },
  {
    weight: 3,
    arbitrary: fc.record({ append: fc.integer({ min: 1, max: 4 }), records: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ skip: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ removeBefore: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ waitMs: fc.integer({ min: 1, max: 150 }) }) },
);

test.each([
  ['by this agent', true],
  ['by another agent, as signals tell it', false],
])('the index agrees with the store on every offset, when the log is written %s', async (_, isOwn) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      async (steps, pageSize) => {
        let nowMs = 0;
        const log = new LogOfSegments();
        const index = new SegmentIndex(log, {
          clock: { monotonicMs: () => nowMs },
          count: () => undefined,
          segmentsMax: 40,
          windowMax: 12,
          pageSize,
          tailRestMs: 100,
          maxAgeMs: 1_000,
        });
        for (const each of steps) {
          if ('append' in each) {
            const appended = log.append(each.append, each.records);
            if (isOwn) index.appended('t', 0, appended, log.highWatermark);
            // What others append is told to nobody: it is seen when the end of the log has been believed for long enough.
            else nowMs += 101;
          } else if ('skip' in each) {
            log.skip(each.skip);
            if (isOwn) index.endsMoved('t', 0);
            else nowMs += 101;
          } else if ('removeBefore' in each) {
            log.removeBefore(each.removeBefore);
            if (isOwn) index.endsMoved('t', 0);
            else index.endsMoved();
          } else if ('waitMs' in each) nowMs += each.waitMs;
          else expect(await index.find('t', 0, each.find)).toEqual(await log.findSegment('t', 0, each.find));
        }
      },
    ),
    { numRuns: 300 },
  );
});
