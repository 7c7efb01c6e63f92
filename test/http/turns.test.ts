// Turns: in the order of asking, once however often asked, and never for long without letting others run.
import { expect, test } from 'vitest';
import { Turns } from '../../src/http/events/turns.ts';
import { ManualClock, turn } from '../coordination/manual-clock.ts';

function stage(turnTakesMs = 0) {
  const clock = new ManualClock();
  const turns = new Turns(clock);
  const taken: string[] = [];
  const taker = (name: string) => ({
    take: () => {
      taken.push(name);
      clock.jump(turnTakesMs);
    },
  });
  return { turns, taken, taker };
}

test('turns are given in the order of asking, once however often one asks, and not in the asking', async () => {
  const { turns, taken, taker } = stage();
  const [a, b] = [taker('a'), taker('b')];
  for (const each of [a, b, a, a]) turns.ask(each);
  expect(taken).toEqual([]);
  await turn();
  expect(taken).toEqual(['a', 'b']);
  turns.ask(a);
  await turn();
  expect(taken).toEqual(['a', 'b', 'a']);
});

test.each([
  ['long turns', 4, 3],
  ['short turns', 0, 100],
])('%s: after some of them everything else comes first', async (_what, turnTakesMs, perStretch) => {
  const { turns, taken, taker } = stage(turnTakesMs);
  const takers = Array.from({ length: 250 }, (_, i) => taker(String(i)));
  for (const each of takers) turns.ask(each);
  const counts: number[] = [];
  while (taken.length < 250) {
    await turn();
    counts.push(taken.length);
  }
  const steps = counts.map((count, i) => count - (counts[i - 1] ?? 0));
  expect(Math.max(...steps)).toBe(perStretch);
  expect(taken).toEqual(takers.map((_, i) => String(i)));
});

test('one that asks again in its turn comes behind those who wait', async () => {
  const { turns, taken, taker } = stage(4);
  let again = 3;
  const busy = {
    take: () => {
      taken.push('busy');
      again -= 1;
      if (again > 0) turns.ask(busy);
    },
  };
  turns.ask(busy);
  turns.ask(taker('other'));
  while (taken.length < 4) await turn();
  expect(taken.slice(0, 3)).toEqual(['busy', 'other', 'busy']);
});
