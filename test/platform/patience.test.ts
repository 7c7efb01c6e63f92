import { expect, test } from 'vitest';
import { Patience } from '../../src/platform/patience.ts';

test('patience doubles with each wait in vain, up to its maximum, and begins anew when it was rewarded', () => {
  const patience = new Patience(1_000);
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) {
    const ms = patience.of(150);
    waits.push(ms);
    patience.ranOut(ms);
  }
  expect(waits).toEqual([150, 300, 600, 1_000, 1_000]);
  expect(patience.isTried).toBe(true);
  patience.reset();
  expect([patience.of(150), patience.isTried]).toEqual([150, false]);
});

test('several that wait at once make it no longer than one', () => {
  const patience = new Patience(1_000);
  for (let i = 0; i < 4; i++) patience.ranOut(100);
  expect(patience.of(100)).toBe(200);
});

test('who allows more than it by himself has that', () => {
  const patience = new Patience(1_000);
  patience.ranOut(100);
  expect(patience.of(5_000)).toBe(5_000);
});
