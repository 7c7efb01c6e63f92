// What is remembered of reads, and what is forgotten.
import { expect, test } from 'vitest';
import { ReadCache } from '../../../src/store/cache/read-cache.ts';

function stage(max = 10) {
  const at = { nowMs: 0 };
  const results: string[] = [];
  const clock = { monotonicMs: () => at.nowMs };
  const cache = new ReadCache<string | undefined>({
    sizeMax: max,
    sizeOf: (value) => value?.length ?? 1,
    maxAgeMs: (value) => (value === 'short' ? 10 : 1_000),
    clock,
    count: (result) => results.push(result),
  });
  let reads = 0;
  const reading = (value: string | undefined) => async () => {
    reads += 1;
    return value;
  };
  return { at, cache, results, reading, reads: () => reads };
}

test('a value is read once, also when there is none', async () => {
  const { cache, reading, reads, results } = stage();
  for (let i = 0; i < 3; i += 1) {
    expect((await cache.get('a', reading('x'))).value).toBe('x');
    expect((await cache.get('b', reading(undefined))).value).toBeUndefined();
  }
  expect(reads()).toBe(2);
  expect(results).toEqual(['miss', 'miss', 'hit', 'hit', 'hit', 'hit']);
});

test('many that ask at once share one read, and a failure is told to all of them and kept for nobody', async () => {
  const { cache, reading } = stage();
  let fail = (_: Error): void => undefined;
  let asked = 0;
  const failing = () => {
    asked += 1;
    return new Promise<string>((_, reject) => (fail = reject));
  };
  const all = [cache.get('a', failing), cache.get('a', failing), cache.get('a', failing)];
  fail(new Error('away'));
  const settled = await Promise.allSettled(all);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(asked).toBe(1);
  expect((await cache.get('a', reading('x'))).value).toBe('x');
});

test('who asks after a change does not get what was read before it', async () => {
  const { cache, reading } = stage();
  let answer = (_: string): void => undefined;
  const before = cache.get('a', () => new Promise<string>((resolve) => (answer = resolve)));
  cache.forget('a');
  const after = cache.get('a', reading('new'));
  answer('old');
  expect([(await before).value, (await after).value]).toEqual(['old', 'new']);
  expect((await cache.get('a', reading('newer'))).value).toBe('new');
});

test('a value is read again when it is old, each by its own age, and from when it was asked for', async () => {
  const { at, cache, reading, reads } = stage();
  const slow = async () => {
    at.nowMs += 600;
    return 'x';
  };
  expect(await cache.get('a', slow)).toMatchObject({ value: 'x', askedMs: 0 });
  at.nowMs = 999;
  expect(await cache.get('a', reading('y'))).toMatchObject({ value: 'x', askedMs: 0 });
  at.nowMs = 1_000;
  expect(await cache.get('a', reading('short'))).toMatchObject({ value: 'short', askedMs: 1_000 });
  at.nowMs = 1_010;
  expect(await cache.get('a', reading('z'))).toMatchObject({ value: 'z' });
  expect(reads()).toBe(2);
});

test('the least recently used goes first', async () => {
  const { cache, reading, reads } = stage(2);
  await cache.get('a', reading('a'));
  await cache.get('b', reading('b'));
  await cache.get('a', reading('a'));
  await cache.get('c', reading('c'));
  await cache.get('a', reading('a'));
  expect(reads()).toBe(3);
  await cache.get('b', reading('b'));
  expect(reads()).toBe(4);
});

test('what is large takes the place of many, and what is larger than all of it is not kept', async () => {
  const { cache, reading, reads } = stage(10);
  for (const key of 'abcdefghij') await cache.get(key, reading(key));
  expect(cache.size).toBe(10);
  await cache.get('large', reading('x'.repeat(8)));
  expect(cache.size).toBe(3);
  await cache.get('huge', reading('x'.repeat(11)));
  await cache.get('huge', reading('x'.repeat(11)));
  expect(reads()).toBe(13);
});
