// Delays grow, are jittered, and are bounded.
import { expect, test } from 'vitest';
import { Backoff } from '../../src/platform/backoff.ts';

function delays(random: number, count: number): number[] {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000, random: () => random });
  return Array.from({ length: count }, () => backoff.nextMs());
}

test('delays double from the first to the largest, each between half and all of its span', () => {
  expect(delays(0, 6)).toEqual([50, 100, 200, 400, 500, 500]);
  expect(delays(1, 6)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(delays(0.5, 2)).toEqual([75, 150]);
});

test('a success starts them again, and failures in a row are counted', () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000, random: () => 0 });
  for (let failure = 0; failure < 3; failure += 1) backoff.nextMs();
  expect(backoff.failures).toBe(3);
  backoff.reset();
  expect(backoff.failures).toBe(0);
  expect(backoff.nextMs()).toBe(50);
});

test('a year of failures does not overflow', () => {
  expect(delays(0.5, 10_000).at(-1)).toBe(750);
});
