// A loop that waits at a bell misses no ring, and does its work once for many.
import { describe, expect, test } from 'vitest';
import { Bell } from '../../src/platform/bell.ts';
import { ManualClock } from '../coordination/manual-clock.ts';

const never = new AbortController().signal;

describe('a bell', () => {
  test('wakes who waits, at once', async () => {
    const [clock, bell] = [new ManualClock(), new Bell()];
    const waited = bell.wait(clock, 1_000, never);
    bell.ring();
    expect(await waited).toBe(true);
  });

  test('that rang while nobody waited is not lost', async () => {
    const [clock, bell] = [new ManualClock(), new Bell()];
    bell.ring();
    expect(await bell.wait(clock, 1_000, never)).toBe(true);
  });

  test('that rang many times wakes once', async () => {
    const [clock, bell] = [new ManualClock(), new Bell()];
    const first = bell.wait(clock, 1_000, never);
    for (let ring = 0; ring < 3; ring += 1) bell.ring();
    expect(await first).toBe(true);
    const second = bell.wait(clock, 1_000, never);
    await clock.advance(1_000);
    expect(await second).toBe(false);
  });

  test('that does not ring lets go when the time is up, and says so', async () => {
    const [clock, bell] = [new ManualClock(), new Bell()];
    const waited = bell.wait(clock, 1_000, never);
    await clock.advance(999);
    expect(clock.sleeping).toBe(1);
    await clock.advance(1);
    expect(await waited).toBe(false);
  });

  test('lets go when the signal aborts, before or while waiting', async () => {
    const [clock, bell, stop] = [new ManualClock(), new Bell(), new AbortController()];
    const waited = bell.wait(clock, 1_000, stop.signal);
    stop.abort();
    expect(await waited).toBe(false);
    expect(await bell.wait(clock, 1_000, stop.signal)).toBe(false);
    expect(clock.sleeping).toBe(0);
  });

  test('leaves no listener on the signal, however often it is waited at', async () => {
    const [clock, bell] = [new ManualClock(), new Bell()];
    const listeners = countedSignal();
    for (let round = 0; round < 3; round += 1) {
      const waited = bell.wait(clock, 10, listeners.signal);
      expect(listeners.count()).toBe(1);
      await clock.advance(10);
      await waited;
    }
    expect(listeners.count()).toBe(0);
  });
});

function countedSignal(): { signal: AbortSignal; count: () => number } {
  const { signal } = new AbortController();
  let count = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  Object.assign(signal, {
    addEventListener: (...args: Parameters<typeof add>) => {
      count += 1;
      add(...args);
    },
    removeEventListener: (...args: Parameters<typeof remove>) => {
      count -= 1;
      remove(...args);
    },
  });
  return { signal, count: () => count };
}
