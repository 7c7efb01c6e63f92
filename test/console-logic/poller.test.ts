// How often the page asks.
import { expect, test } from 'vitest';
import { Poller } from '../../src/console/model/poller.ts';
import { backoff, sleep } from '../../src/console/model/sleep.ts';
import { eventually } from '../support/eventually.ts';

const longMs = 3_600_000;
const never = new AbortController().signal;

test('one read at a time; a ring during a read brings another, however many rings there were', async () => {
  let reads = 0;
  let atOnce = 0;
  let atOnceMax = 0;
  const poller = new Poller({
    read: async (signal) => {
      reads += 1;
      atOnceMax = Math.max(atOnceMax, (atOnce += 1));
      if (reads === 1) for (let n = 0; n < 5; n += 1) poller.ring();
      await sleep(5, signal);
      atOnce -= 1;
    },
    onFailure: () => undefined,
    everyMs: longMs,
    restFactor: 1,
    unrungFactor: 1,
  });
  poller.start();
  poller.start();
  await eventually(() => reads === 2);
  poller.ring();
  await eventually(() => reads === 3);
  poller.stop();
  expect(atOnceMax).toBe(1);
});

test('after a read it rests a multiple of what that took, however it is rung', async () => {
  const spans: { readonly startMs: number; readonly endMs: number }[] = [];
  const poller = new Poller({
    read: async (signal) => {
      const startMs = performance.now();
      await sleep(20, signal);
      spans.push({ startMs, endMs: performance.now() });
    },
    onFailure: () => undefined,
    everyMs: longMs,
    restFactor: 3,
    unrungFactor: 3,
  });
  poller.start();
  await eventually(() => {
    poller.ring();
    return spans.length > 2;
  });
  poller.stop();
  for (const [index, { startMs }] of spans.entries()) {
    const before = spans[index - 1];
    if (before === undefined) continue;
    // Timers may fire a millisecond early.
    expect(startMs - before.endMs).toBeGreaterThan((before.endMs - before.startMs) * 3 - 2);
  }
});

test('failures are told and counted, and it goes on by itself; stopped, it says nothing more', async () => {
  const failures: number[] = [];
  let reads = 0;
  const poller = new Poller({
    read: async (signal) => {
      reads += 1;
      if (reads === 1) throw new Error('away');
      if (reads > 2) await sleep(longMs, signal);
    },
    onFailure: (_error, count) => failures.push(count),
    everyMs: 0,
    restFactor: 0,
    unrungFactor: 0,
  });
  poller.start();
  await eventually(() => reads === 3);
  poller.stop();
  poller.start();
  await eventually(() => reads === 4);
  poller.stop();
  expect(failures).toEqual([1]);
});

test('pauses after failures grow to a bound and differ', () => {
  expect([1, 2, 3, 4, 9].map((failures) => backoff(failures, () => 1))).toEqual([
    500, 1_000, 2_000, 4_000, 5_000,
  ]);
  expect(backoff(9, () => 0)).toBe(2_500);
});

test('a sleep that is aborted ends with the reason', async () => {
  await expect(sleep(longMs, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  await expect(sleep(1, never)).resolves.toBeUndefined();
});
