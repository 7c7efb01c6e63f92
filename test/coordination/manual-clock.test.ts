// The manual clock's own promises: what rests on it would otherwise prove nothing.
import { expect, test } from 'vitest';
import { ManualClock } from './manual-clock.ts';

test('sleepers wake in the order they are due, each at its own time, and not before', async () => {
  const clock = new ManualClock();
  const startMs = clock.monotonicMs();
  const woken: [string, number][] = [];
  const sleep = async (name: string, ms: number) => {
    await clock.sleep(ms);
    woken.push([name, clock.monotonicMs() - startMs]);
  };
  void sleep('late', 30);
  void sleep('early', 10);
  void sleep('twice', 20).then(() => sleep('again', 5));
  await clock.advance(9);
  expect(woken).toEqual([]);
  await clock.advance(100);
  expect(woken).toEqual([
    ['early', 10],
    ['twice', 20],
    ['again', 25],
    ['late', 30],
  ]);
  expect(clock.monotonicMs() - startMs).toBe(109);
  expect(clock.sleeping).toBe(0);
});

test('an abort wakes a sleeper at once, and one that is aborted already never sleeps', async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const slept = clock.sleep(1_000, stop.signal);
  stop.abort();
  await slept;
  await clock.sleep(1_000, stop.signal);
  expect(clock.sleeping).toBe(0);
});

test('a suspended machine shows in the wall clock alone', () => {
  const clock = new ManualClock();
  const [monotonicMs, wallMs] = [clock.monotonicMs(), clock.wallMs()];
  clock.suspend(5_000);
  expect(clock.monotonicMs()).toBe(monotonicMs);
  expect(clock.wallMs()).toBe(wallMs + 5_000);
});
