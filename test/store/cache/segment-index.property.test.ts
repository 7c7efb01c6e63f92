// The index answers as the store does, whatever is appended, left out, removed, deleted, created anew and asked for in whatever order.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OffsetLocation, Segment } from '../../../src/domain/segment.ts';
import { SegmentIndex, type SegmentIndexOptions } from '../../../src/store/cache/segment-index.ts';
import { LogOfSegments } from './log-of-segments.ts';

type Change =
  | { readonly kind: 'append'; readonly count: number; readonly records: number }
  | { readonly kind: 'skip'; readonly records: number }
  | { readonly kind: 'remove'; readonly before: number }
  | { readonly kind: 'recreate' };

const few = (max: number) => fc.integer({ min: 1, max });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('append'), count: few(4), records: few(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('skip'), records: few(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove'), before: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('recreate') }) },
);
const find = fc.record({ kind: fc.constant('find' as const), offset: fc.nat(60) });
const bounds = fc.record({
  segmentsMax: fc.integer({ min: 6, max: 40 }),
  windowMax: fc.integer({ min: 1, max: 12 }),
  firstPage: few(4),
  page: few(6),
});

function indexOf(log: LogOfSegments, clock: { nowMs: number }, limits: Partial<SegmentIndexOptions>) {
  return new SegmentIndex(log, {
    clock: { monotonicMs: () => clock.nowMs },
    count: () => undefined,
    segmentsMax: 40,
    windowMax: 12,
    firstPage: 4,
    page: 6,
    tailRestMs: 100,
    maxAgeMs: 1_000,
    ...limits,
  });
}

/** Answers what was appended, for who appended it himself. */
function apply(log: LogOfSegments, made: Change): readonly Segment[] | undefined {
  if (made.kind === 'append') return log.append(made.count, made.records);
  if (made.kind === 'skip') log.skip(made.records);
  else if (made.kind === 'remove') log.removeBefore(made.before);
  else log.recreate();
  return undefined;
}

test('changes that are told: an answer is what was true at a moment between question and answer, however reads and changes overlap', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: find },
    { weight: 4, arbitrary: change },
    { weight: 8, arbitrary: fc.constant({ kind: 'arrive' as const }) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 80 }),
      bounds,
      fc.boolean(),
      fc.scheduler(),
      async (steps, limits, isOwn, scheduler) => {
        const log = new LogOfSegments();
        log.pause = () => scheduler.schedule(Promise.resolve());
        const index = indexOf(log, { nowMs: 0 }, limits);
        const open = new Set<{ readonly offset: number; readonly true: OffsetLocation[] }>();
        const answers: Promise<void>[] = [];
        for (const each of steps) {
          if (each.kind === 'arrive') {
            if (scheduler.count() > 0) await scheduler.waitOne();
          } else if (each.kind === 'find') {
            const question = { offset: each.offset, true: [log.locate(each.offset)] };
            open.add(question);
            const ask = async (): Promise<void> => {
              const given = await index.find('t', 0, each.offset);
              open.delete(question);
              expect(question.true).toContainEqual(given);
            };
            answers.push(ask());
          } else {
            const appended = apply(log, each);
            if (appended && isOwn) index.appended('t', 0, appended);
            else if (isOwn && each.kind !== 'recreate') index.endsMoved('t', 0);
            else index.allMoved();
            for (const question of open) question.true.push(log.locate(question.offset));
          }
        }
        await Promise.all([scheduler.waitFor(Promise.all(answers)), ...answers]);
      },
    ),
    { numRuns: 400 },
  );
});

test('changes that are told to nobody: the end is right after its rest, all else when it is too old', async () => {
  const step = fc.oneof({ weight: 6, arbitrary: find }, { weight: 4, arbitrary: change });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80 }), bounds, async (steps, limits) => {
      const clock = { nowMs: 0 };
      const log = new LogOfSegments();
      const index = indexOf(log, clock, limits);
      for (const each of steps) {
        if (each.kind === 'find') {
          expect(await index.find('t', 0, each.offset)).toEqual(log.locate(each.offset));
          continue;
        }
        apply(log, each);
        clock.nowMs += each.kind === 'append' || each.kind === 'skip' ? 101 : 1_001;
      }
    }),
    { numRuns: 400 },
  );
});

test('no more is kept than is allowed, and no question costs more than two parts of the log and a lookup', async () => {
  const step = fc.oneof({ weight: 6, arbitrary: find }, { weight: 4, arbitrary: change });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), bounds, async (steps, limits) => {
      const log = new LogOfSegments();
      const index = indexOf(log, { nowMs: 0 }, limits);
      for (const each of steps) {
        if (each.kind === 'find') {
          const before = { ...log.reads };
          await index.find('t', 0, each.offset);
          expect(log.reads.readLog - before.readLog).toBeLessThanOrEqual(2);
          expect(log.reads.findSegment - before.findSegment).toBeLessThanOrEqual(1);
        } else {
          const appended = apply(log, each);
          if (appended) index.appended('t', 0, appended);
          else index.allMoved();
        }
        expect(index.size).toBeLessThanOrEqual(Math.min(limits.windowMax, limits.segmentsMax));
      }
    }),
    { numRuns: 200 },
  );
});
