// Addresses of views, and words for times.
import { describe, expect, test } from 'vitest';
import { withLag } from '../../src/console/model/lag.ts';
import { addressOf, type Route, routeOf } from '../../src/console/model/route.ts';
import { durationText } from '../../src/console/model/times.ts';

describe('an address names a view', () => {
  test.each<[string, Route]>([
    ['', { view: 'overview' }],
    ['#', { view: 'overview' }],
    ['#/', { view: 'overview' }],
    ['#/agents', { view: 'agents' }],
    ['#/agents/', { view: 'agents' }],
    ['#/agents/broker-1', { view: 'agent', agentId: 'broker-1' }],
    ['#/topics/orders', { view: 'topic', topic: 'orders', partition: undefined }],
    ['#/topics/orders/', { view: 'topic', topic: 'orders', partition: undefined }],
    ['#/topics/orders/3', { view: 'topic', topic: 'orders', partition: 3 }],
    ['#/groups/a%20b', { view: 'group', group: 'a b' }],
    ['#/events', { view: 'events' }],
    ['#/events/1', { view: 'unknown', address: 'events/1' }],
    ['#/topics/orders/x', { view: 'unknown', address: 'topics/orders/x' }],
    ['#/topics/orders/3/4', { view: 'unknown', address: 'topics/orders/3/4' }],
    ['#/agents/a/b', { view: 'unknown', address: 'agents/a/b' }],
    ['#/nothing', { view: 'unknown', address: 'nothing' }],
    ['#/agents/%zz', { view: 'agent', agentId: '%zz' }],
  ])('%s', (hash, route) => {
    expect(routeOf(hash)).toEqual(route);
  });

  test('what is written is read again', () => {
    expect(routeOf(addressOf('topics', 'a/b #%', 7))).toEqual({
      view: 'topic',
      topic: 'a/b #%',
      partition: 7,
    });
  });
});

test.each([
  [-5, '0.0 s'],
  [450, '0.5 s'],
  [9_940, '9.9 s'],
  [12_900, '12 s'],
  [180_000, '3 min'],
  [18_000_000, '5 h'],
  [432_000_000, '5 d'],
])('%d ms is %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test('lag is never negative, and unknown without the partition', () => {
  const offset = { group: 'g', partition: 0, metadata: null, committedAt: '' };
  const offsets = [
    { ...offset, topic: 'a', offset: 5 },
    { ...offset, topic: 'b', offset: 5 },
    { ...offset, topic: 'gone', offset: 5 },
  ];
  const ends = new Map([
    ['a/0', 12],
    ['b/0', 3],
  ]);
  expect(withLag(offsets, ends).map(({ lag }) => lag)).toEqual([7, 0, null]);
});
