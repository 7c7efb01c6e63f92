// When a connection that listens is asked, and when it is not: on a clock that the test moves.
import { expect, test } from 'vitest';
import { LineCheck } from '../../src/signals/line-check.ts';
import { ManualClock } from '../coordination/manual-clock.ts';

const silenceMs = 7_500;

function stage() {
  const clock = new ManualClock();
  const stop = new AbortController();
  const line = new LineCheck(clock, silenceMs);
  return { clock, stop, line };
}

test('what arrives on it is proof enough: nothing is asked', async () => {
  const { clock, stop, line } = stage();
  let asked = 0;
  const running = line.run(() => Promise.resolve((asked += 1)), stop.signal);
  for (let ping = 0; ping < 20; ping += 1) {
    await clock.advance(5_000);
    line.proven();
  }
  expect(asked).toBe(0);
  stop.abort();
  await running;
});

test('in silence it is asked, and again as long after each answer', async () => {
  const { clock, stop, line } = stage();
  const askedMs: number[] = [];
  const begunMs = clock.monotonicMs();
  const running = line.run(async () => {
    askedMs.push(clock.monotonicMs() - begunMs);
    await clock.sleep(100);
  }, stop.signal);
  await clock.advance(5_000);
  line.proven();
  await clock.advance(30_000);
  expect(askedMs).toEqual([12_500, 20_100, 27_700]);
  stop.abort();
  await running;
  await clock.advance(30_000);
  expect(askedMs).toHaveLength(3);
});

test('a question that is not answered ends the check', async () => {
  const { clock, stop, line } = stage();
  const said: unknown[] = [];
  const refused = () => Promise.reject(new Error('no answer'));
  const running = line.run(refused, stop.signal).catch((error: unknown) => said.push(error));
  await clock.advance(silenceMs);
  await running;
  expect(said).toMatchObject([{ message: 'no answer' }]);
});
