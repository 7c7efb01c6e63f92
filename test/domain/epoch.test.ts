// Epochs only grow: within an era by one, into a new era beyond everything that the old one can have granted.
import { expect, test } from 'vitest';
import { nextEpoch } from '../../src/domain/epoch.ts';
import { EPOCHS_PER_ERA, INTEGER_MAX } from '../../src/domain/limits.ts';

test('within its era an epoch is followed by the next number', () => {
  const first = nextEpoch(0, 1);
  expect(first).toBe(EPOCHS_PER_ERA);
  expect(nextEpoch(first, 1)).toBe(first + 1);
});

test('a new era begins above every epoch of the era before, however many a lost standby granted', () => {
  const lastOfFirstEra = 2 * EPOCHS_PER_ERA - 1;
  expect(nextEpoch(EPOCHS_PER_ERA + 5, 2)).toBeGreaterThan(lastOfFirstEra);
});

test('an epoch that is beyond its era already still grows', () => {
  const beyond = 5 * EPOCHS_PER_ERA + 3;
  expect(nextEpoch(beyond, 2)).toBe(beyond + 1);
});

test('two million eras fit into the integers that survive JSON', () => {
  expect(nextEpoch(0, 2_000_000)).toBeLessThan(INTEGER_MAX);
  expect(Number.isSafeInteger(nextEpoch(0, 2_000_000) + 1)).toBe(true);
});
