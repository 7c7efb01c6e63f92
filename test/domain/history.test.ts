import { expect, test } from 'vitest';
import { type HistoryPoint, HistoryWatch } from '../../src/domain/history.ts';

const first: HistoryPoint = { era: 2, isOfEra: true, systemIdentifier: '7', timeline: 2, position: 1_000 };

/** What the watch says of each, one after the other. */
function told(...points: readonly Partial<HistoryPoint>[]) {
  const watch = new HistoryWatch();
  return points.map((point) => watch.note({ ...first, ...point }));
}

test('a history that goes on is no break, whatever it was before the first answer', () => {
  expect(told({}, { position: 1_000 }, { position: 1_001 })).toEqual([undefined, undefined, undefined]);
});

test('a server that is not of the era is another history, however often it is asked', () => {
  expect(told({ isOfEra: false }, { isOfEra: false })).toEqual(['other_history', 'other_history']);
});

test('within one era a position that went back is a break, also behind an answer that told none', () => {
  expect(told({}, { position: null }, { position: 999 })).toEqual([undefined, undefined, 'went_back']);
});

test('a lower era, and the same one on another history, went back', () => {
  expect(told({}, { era: 1 })).toEqual([undefined, 'went_back']);
  expect(told({}, { timeline: 1 })).toEqual([undefined, 'went_back']);
  expect(told({}, { systemIdentifier: '8' })).toEqual([undefined, 'went_back']);
});

test('a new era explains everything, and from then on counts alone', () => {
  const next = { era: 3, systemIdentifier: '8', timeline: 1, position: 10 };
  expect(told({}, next, { ...next, position: 11 }, {})).toEqual([
    undefined,
    undefined,
    undefined,
    'went_back',
  ]);
});

test('where the server says nothing, the era alone counts', () => {
  const hidden = { systemIdentifier: null, timeline: null, position: null };
  expect(told(hidden, hidden, { ...hidden, era: 1 })).toEqual([undefined, undefined, 'went_back']);
});
