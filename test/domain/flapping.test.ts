import { describe, expect, test } from 'vitest';
import { settlesInMs } from '../../src/domain/flapping.ts';

const returnDelayMs = 30_000;

describe('an agent that came back', () => {
  test.each([
    { crashes: 0, waits: 0 },
    { crashes: 1, waits: 0 },
    { crashes: 2, waits: 30_000 },
    { crashes: 3, waits: 60_000 },
    { crashes: 6, waits: 480_000 },
    { crashes: 60, waits: 480_000 },
  ])('after $crashes crashes waits $waits ms', ({ crashes, waits }) => {
    expect(settlesInMs({ aliveForMs: 0, crashes }, returnDelayMs)).toBe(waits);
  });

  test('waits from when it came back', () => {
    expect(settlesInMs({ aliveForMs: 20_000, crashes: 2 }, returnDelayMs)).toBe(10_000);
    expect(settlesInMs({ aliveForMs: 40_000, crashes: 2 }, returnDelayMs)).toBe(0);
  });

  test('does not wait where no delay is wanted', () => {
    expect(settlesInMs({ aliveForMs: 0, crashes: 9 }, 0)).toBe(0);
  });
});
