// Requests that come together share a round trip, and each gets its own answers.
import { expect, test } from 'vitest';
import { Batcher } from '../../src/platform/batcher.ts';

/** Work that waits until it is let go, and what it was given. */
function gated() {
  const given: number[][] = [];
  const gates: (() => void)[] = [];
  const work = async (items: readonly number[]): Promise<readonly string[]> => {
    given.push([...items]);
    await new Promise<void>((resolve) => gates.push(resolve));
    if (items.includes(13)) throw new Error('unlucky');
    return items.map((item) => `answer ${item}`);
  };
  const letGo = async (): Promise<void> => {
    gates.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { given, work, letGo };
}

test('what comes while a request is under way is joined into one, each with its own answers', async () => {
  const { given, work, letGo } = gated();
  const batcher = new Batcher(work);
  const first = batcher.run([1]);
  const second = batcher.run([2, 3]);
  const third = batcher.run([4]);
  await letGo();
  await letGo();
  expect(given).toEqual([[1], [2, 3, 4]]);
  expect(await first).toEqual(['answer 1']);
  expect(await second).toEqual(['answer 2', 'answer 3']);
  expect(await third).toEqual(['answer 4']);
});

test('a failure is told to all that were joined, and to nobody else', async () => {
  const { work, letGo } = gated();
  const batcher = new Batcher(work);
  const outcomes = Promise.allSettled([batcher.run([1]), batcher.run([2]), batcher.run([13])]);
  await letGo();
  await letGo();
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  const after = batcher.run([5]);
  await letGo();
  expect(await after).toEqual(['answer 5']);
});
