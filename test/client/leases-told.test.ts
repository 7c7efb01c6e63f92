// What the agent has told of its partitions: what is news, what is old, and what a snapshot replaces.
import { expect, test } from 'vitest';
import { LeasesTold } from '../../src/client/leases-told.ts';

const name = { topic: 'orders', partition: 0 };
const revocation = { to: 'b', deadlineMs: 1_000 };

test('a grant that is told again is no news, and takes no revocation back', () => {
  const told = new LeasesTold();
  expect(told.granted({ ...name, epoch: 5 }, 's')).toBe(true);
  expect(told.revoking({ ...name, epoch: 5 }, revocation)).toBe(true);
  expect(told.granted({ ...name, epoch: 5 }, 's')).toBe(false);
  expect(told.granted({ ...name, epoch: 4 }, 's')).toBe(false);
  expect(told.get(name)).toEqual({ ...name, epoch: 5, sessionId: 's', revocation });
});

test('a revocation is told once, and of the current epoch alone', () => {
  const told = new LeasesTold();
  told.granted({ ...name, epoch: 5 }, 's');
  expect(told.revoking({ ...name, epoch: 4 }, revocation)).toBe(false);
  expect(told.revoking({ ...name, epoch: 5 }, revocation)).toBe(true);
  expect(told.revoking({ ...name, epoch: 5 }, { to: 'c', deadlineMs: 9_000 })).toBe(false);
  expect(told.get(name)).toMatchObject({ revocation });
});

test('the end of an old term leaves a newer one', () => {
  const told = new LeasesTold();
  told.granted({ ...name, epoch: 5 }, 's');
  expect(told.lost({ ...name, epoch: 4 })).toBe(false);
  expect(told.lost({ ...name, epoch: 5 })).toBe(true);
  expect(told.get(name)).toBeUndefined();
});

test('a snapshot replaces everything at its last part, and one that was broken off leaves nothing behind', () => {
  const told = new LeasesTold();
  told.granted({ ...name, epoch: 5 }, 's');
  const lease = (partition: number) => ({ topic: 'orders', partition, epoch: 7, revoking: undefined });
  expect(told.snapshot({ part: 1, parts: 2, leases: [lease(1)] }, 't', 0)).toBe(false);
  expect(told.snapshot({ part: 1, parts: 2, leases: [lease(2)] }, 't', 0)).toBe(false);
  expect([...told.all]).toHaveLength(1);
  expect(told.snapshot({ part: 2, parts: 2, leases: [lease(3)] }, 't', 0)).toBe(true);
  expect([...told.all].map(({ partition }) => partition)).toEqual([2, 3]);
});
