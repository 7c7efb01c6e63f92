// When a coordinator that lives counts as stuck.
import { expect, test } from 'vitest';
import { type ObservedCoordinator, stuckAfterMsMin, StuckWatch } from '../../src/domain/stuck-watch.ts';

const coordinator: ObservedCoordinator = { sessionId: 'c', epoch: 5, progress: 9, ttlMs: 20_000 };

type Look = readonly [
  askedMs: number,
  coordinator: ObservedCoordinator | undefined,
  connection?: number | undefined,
];

function watching(...looks: readonly Look[]): StuckWatch {
  const watch = new StuckWatch({ gapMaxMs: 10_000 });
  for (const [askedMs, seen, connection = 1] of looks) {
    watch.observe({ askedMs, nowMs: askedMs, connection, coordinator: seen });
  }
  return watch;
}

test('a stamp that stood still for a TTL is one that is stuck', () => {
  const still = (untilMs: number) =>
    watching([0, coordinator], [9_000, coordinator], [18_000, coordinator], [untilMs, coordinator]);
  expect(still(19_999).stuck()).toBeUndefined();
  expect(still(20_000).stuck()).toEqual(coordinator);
});

test('however short the TTL, a round of planning has its time', () => {
  const hasty = { ...coordinator, ttlMs: 1_000 };
  const still = (untilMs: number) => watching([0, hasty], [5_000, hasty], [untilMs, hasty]);
  expect(still(stuckAfterMsMin - 1).stuck()).toBeUndefined();
  expect(still(stuckAfterMsMin).stuck()).toEqual(hasty);
});

test.each<[string, Look]>([
  ['progress', [9_000, { ...coordinator, progress: 10 }]],
  ['another term', [9_000, { ...coordinator, epoch: 6 }]],
  ['another session', [9_000, { ...coordinator, sessionId: 'd' }]],
  ['nobody who tells how far it has got', [9_000, undefined]],
  ['another connection of ours', [9_000, coordinator, 2]],
])('%s in between begins it anew', (_, [askedMs, seen, connection]) => {
  const watch = watching(
    [0, coordinator],
    [askedMs, seen, connection],
    [18_000, coordinator, connection],
    [20_000, coordinator, connection],
  );
  expect(watch.stuck()).toBeUndefined();
});

test('what was seen before a break counts no more', () => {
  const watch = watching([0, coordinator], [9_000, coordinator], [18_000, coordinator]);
  watch.void();
  watch.observe({ askedMs: 20_000, nowMs: 20_000, connection: 1, coordinator });
  expect(watch.stuck()).toBeUndefined();
});
