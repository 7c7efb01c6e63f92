// Counting failures: per address, for one window, in bounded memory.
import { expect, test } from 'vitest';
import { type Attempt, FailedAttempts } from '../../src/http/failed-attempts.ts';

const limits = { failuresMax: 3, windowMs: 60_000, addressesMax: 4 };

function counting(more: Partial<typeof limits> = {}) {
  const clock = { nowMs: 1_000, monotonicMs: () => clock.nowMs };
  const failed = new FailedAttempts(clock, { ...limits, ...more });
  const add = (address: string, times: number): Attempt[] =>
    Array.from({ length: times }, () => failed.add(address));
  return { clock, failed, add };
}

test('an address is refused after its share of failures, and told until when', () => {
  const { clock, add } = counting();
  expect(add('10.0.0.1', 3)).toEqual(Array.from({ length: 3 }, () => ({ outcome: 'counted' })));
  clock.nowMs += 12_345;
  expect(add('10.0.0.1', 1)).toEqual([{ outcome: 'refused', retryAfterMs: 47_655, isFirst: true }]);
  clock.nowMs += 47_654;
  expect(add('10.0.0.1', 1)).toEqual([{ outcome: 'refused', retryAfterMs: 1, isFirst: false }]);
});

test('asking while refused does not make it longer', () => {
  const { clock, add } = counting();
  add('10.0.0.1', 20);
  clock.nowMs += 60_000;
  expect(add('10.0.0.1', 1)).toEqual([{ outcome: 'counted' }]);
});

test('one address does not count for another', () => {
  const { add } = counting();
  add('10.0.0.1', 10);
  expect(add('10.0.0.2', 1)).toEqual([{ outcome: 'counted' }]);
});

test.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', true],
  ['2001:db8::1', '2001:db8:0:0:9::', true],
  ['fe80::1%eth0', 'fe80::2%eth1', true],
  ['::ffff:10.0.0.1', '10.0.0.1', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['::1', '1::', false],
  ['::ffff:10.0.0.1', '::ffff:10.0.0.2', false],
])('%s and %s count as one: %s', (one, other, areOne) => {
  const { add } = counting();
  add(one, 10);
  expect(add(other, 1)).toMatchObject([{ outcome: areOne ? 'refused' : 'counted' }]);
});

test('of more addresses than are remembered, the oldest is forgotten', () => {
  const { failed, add } = counting();
  add('oldest', 10);
  for (let i = 0; i < 1_000; i++) failed.add(`10.0.${i >> 8}.${i & 255}`);
  expect(failed.size).toBe(limits.addressesMax);
  expect(add('10.0.3.231', 3)).toMatchObject([
    { outcome: 'counted' },
    { outcome: 'counted' },
    { outcome: 'refused' },
  ]);
  expect(add('oldest', 1)).toEqual([{ outcome: 'counted' }]);
});

test('windows that have ended are forgotten, whoever asks', () => {
  const { clock, failed, add } = counting();
  add('a', 1);
  clock.nowMs += 30_000;
  add('b', 1);
  clock.nowMs += 30_000;
  add('c', 1);
  expect(failed.size).toBe(2);
  clock.nowMs += 60_000;
  add('d', 1);
  expect(failed.size).toBe(1);
});
