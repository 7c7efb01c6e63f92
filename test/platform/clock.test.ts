// The system's sleep: ends with its time or its signal, and leaves nothing behind.
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';

const minuteMs = 60_000;

describe('sleep', () => {
  test('lasts at least as long as it was asked to, and leaves no listener', async () => {
    const { signal } = new AbortController();
    const startedMs = systemClock.monotonicMs();
    await systemClock.sleep(20, signal);
    // Node's timers count whole milliseconds.
    expect(systemClock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(19);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('ends when its signal aborts, without failing, and leaves no listener', async () => {
    const stop = new AbortController();
    const slept = systemClock.sleep(minuteMs, stop.signal);
    stop.abort();
    expect(await slept).toBeUndefined();
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  });

  test('does not begin when its signal has aborted', async () => {
    expect(await systemClock.sleep(minuteMs, AbortSignal.abort())).toBeUndefined();
  });

  test('of less than no time ends', async () => {
    expect(await systemClock.sleep(-5)).toBeUndefined();
  });
});

test('the monotonic clock does not go back', () => {
  const firstMs = systemClock.monotonicMs();
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(firstMs);
});
