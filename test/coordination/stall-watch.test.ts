// A process that was held up says so: how long, and why its trust was over.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { watchStalls } from '../../src/coordination/stall-watch.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { eventually } from '../support/eventually.ts';
import { instrumentsOver, series } from '../metrics/reading.ts';
import { recordingLogger, type TestAgent } from './cluster.ts';
import { ManualClock } from './manual-clock.ts';

const worthMs = 1_000;

function watched(clock = new ManualClock()) {
  const logs: TestAgent['logs'] = [];
  const instruments = instrumentsOver();
  const stop = new AbortController();
  const steps: number[] = [];
  const done = watchStalls(
    { clock, log: recordingLogger(logs), instruments },
    { worthMs, onClockStep: () => void steps.push(clock.monotonicMs()) },
    stop.signal,
  );
  return {
    steps,
    clock,
    logs,
    counts: () => series(instruments, 'streamhouse_stalls_total'),
    end: async () => {
      stop.abort();
      await done;
    },
  };
}

test('an ordinary day is not worth a word, a delay below the bound neither', async () => {
  const { clock, logs, counts, end } = watched();
  await clock.advance(3_600_000);
  clock.jump(worthMs);
  await clock.advance(3_600_000);
  await end();
  expect(logs).toEqual([]);
  expect(await counts()).toEqual({ '{kind="event_loop"}': 0, '{kind="clock_step"}': 0 });
});

test('time that passed while nobody ran is a stall', async () => {
  const { clock, logs, counts, end } = watched();
  await clock.advance(worthMs);
  clock.jump(3 * worthMs);
  await clock.advance(worthMs);
  await end();
  expect(logs).toHaveLength(1);
  expect(logs[0]).toMatchObject({ level: 'warn', message: 'event loop stalled: heartbeats were late' });
  expect(await counts()).toEqual({ '{kind="event_loop"}': 1, '{kind="clock_step"}': 0 });
});

test.each([3_600_000, -3_600_000])('a wall clock that steps by %i ms is no stall', async (stepMs) => {
  const { clock, logs, counts, steps, end } = watched();
  clock.suspend(stepMs);
  await clock.advance(worthMs);
  await end();
  expect(steps).toHaveLength(1);
  expect(logs).toMatchObject([{ level: 'warn', fields: { stepMs } }]);
  expect(await counts()).toEqual({ '{kind="event_loop"}': 0, '{kind="clock_step"}': 1 });
});

test('an event loop that really stalls is noticed', async () => {
  const logs: TestAgent['logs'] = [];
  const stop = new AbortController();
  const deps = { clock: systemClock, log: recordingLogger(logs), instruments: instrumentsOver() };
  const done = watchStalls(deps, { worthMs: 100, onClockStep() {} }, stop.signal);
  await sleep(50);
  const untilMs = performance.now() + 400;
  while (performance.now() < untilMs); // nothing else runs
  await eventually(() => logs.some(({ message }) => message.startsWith('event loop stalled')));
  stop.abort();
  await done;
});
