import { expect, test } from 'vitest';
import { fairShares, type ShareHolder } from '../../src/domain/fair-share.ts';

function agent(agentId: string, more: Partial<ShareHolder> = {}): ShareHolder {
  return { agentId, weight: 1, managedTopics: [], isOpen: true, ...more };
}

const topic = (name: string, count: number, agentId: string | null = null) =>
  Array.from({ length: count }, () => ({ topic: name, agentId }));

test('shares go by weight, fractions included', () => {
  const shares = fairShares([agent('a'), agent('b', { weight: 2 })], topic('orders', 10));
  expect(Object.fromEntries(shares)).toEqual({ a: expect.closeTo(3.333, 3), b: expect.closeTo(6.667, 3) });
});

test('of a topic only those have a share that list it', () => {
  const agents = [agent('a'), agent('b', { managedTopics: ['pay*'] })];
  const shares = fairShares(agents, [...topic('orders', 4), ...topic('payments', 4)]);
  expect(Object.fromEntries(shares)).toEqual({ a: 6, b: 2 });
});

test('what a cordoned agent keeps is not shared, and it has no share', () => {
  const agents = [agent('a'), agent('b', { isOpen: false })];
  const shares = fairShares(agents, [...topic('orders', 3, 'b'), ...topic('orders', 2, 'a')]);
  expect(Object.fromEntries(shares)).toEqual({ a: 2 });
});

test('without anybody there are no shares', () => {
  expect(fairShares([], topic('orders', 3)).size).toBe(0);
});
