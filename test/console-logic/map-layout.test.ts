// Where partitions are on the map, and where keys lead.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cornerOf, layMap, type MapPlace, placeAt, stepOn } from '../../src/console/model/map-layout.ts';

const bands = fc.array(fc.record({ agentId: fc.constantFrom('a', 'b', null), count: fc.nat(400) }), {
  minLength: 1,
  maxLength: 8,
});
const width = fc.integer({ min: 100, max: 2_000 });
const steps = ['left', 'right', 'up', 'down', 'first', 'last'] as const;

test('every square is found where it is drawn', () => {
  fc.assert(
    fc.property(bands, width, (bands, width) => {
      const layout = layMap(bands, width, 10);
      const lost = bands.flatMap(({ count }, band) =>
        Array.from({ length: count }, (_, index) => ({ band, index })).filter((place) => {
          const { x, y } = cornerOf(layout, place);
          const found = placeAt(layout, x + 5, y + 5);
          const isInside = x + 10 <= width && y < layout.height;
          return !isInside || found?.band !== band || found.index !== place.index;
        }),
      );
      expect(lost).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

test('beside the squares there is nothing', () => {
  const layout = layMap([{ agentId: 'a', count: 3 }], 1_000, 10);
  expect(placeAt(layout, layout.labelWidth - 1, 5)).toBeUndefined();
  expect(placeAt(layout, layout.labelWidth + 35, 5)).toBeUndefined();
  expect(placeAt(layout, layout.labelWidth + 5, layout.height + 1)).toBeUndefined();
});

test('steps stay on squares; to the right every one is reached, to the left again backwards', () => {
  fc.assert(
    fc.property(bands, width, (bands, width) => {
      const layout = layMap(bands, width, 10);
      const total = bands.reduce((sum, { count }) => sum + count, 0);
      const there: MapPlace[] = [];
      for (let at = stepOn(layout, undefined, 'right'); at !== undefined;) {
        there.push(at);
        const next = stepOn(layout, at, 'right');
        at = next === at ? undefined : next;
      }
      expect(there).toHaveLength(total);
      const back: MapPlace[] = [];
      for (let at = there.at(-1); at !== undefined;) {
        back.push(at);
        const next = stepOn(layout, at, 'left');
        at = next === at ? undefined : next;
      }
      expect(back).toEqual(there.toReversed());
      const astray = there.flatMap((at) =>
        steps.filter((step) => {
          const next = stepOn(layout, at, step);
          return next === undefined || next.index >= (bands[next.band]?.count ?? 0) || next.index < 0;
        }),
      );
      expect(astray).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

test('up and down keep the column where there is one', () => {
  const layout = layMap(
    [
      { agentId: 'a', count: 25 },
      { agentId: 'b', count: 0 },
      { agentId: 'c', count: 4 },
    ],
    610,
    41,
  );
  expect(layout.columns).toBe(11);
  expect(stepOn(layout, { band: 0, index: 3 }, 'down')).toEqual({ band: 0, index: 14 });
  expect(stepOn(layout, { band: 0, index: 20 }, 'down')).toEqual({ band: 0, index: 24 });
  expect(stepOn(layout, { band: 0, index: 24 }, 'down')).toEqual({ band: 2, index: 2 });
  expect(stepOn(layout, { band: 2, index: 2 }, 'up')).toEqual({ band: 0, index: 24 });
  expect(stepOn(layout, { band: 2, index: 2 }, 'down')).toEqual({ band: 2, index: 2 });
});
