// Waiting must end with the value, or with a message that says what was last seen.

import { expect, test } from 'vitest';
import { eventually, eventuallyHolds } from './eventually.ts';

test('the first truthy answer is returned, whatever was thrown or refused before', async () => {
  const answers = [() => undefined, () => Promise.reject(new Error('not yet')), () => 0, () => 42];
  expect(await eventually(() => answers.shift()?.(), { everyMs: 1 })).toBe(42);
});

test('at the timeout the last error is told, and kept as the cause', async () => {
  const waiting = eventually(() => Promise.reject(new Error('still down')), {
    timeoutMs: 10,
    everyMs: 1,
    what: 'the server',
  });
  await expect(waiting).rejects.toThrow('waited 10 ms for the server; last error: still down');
});

test('at the timeout the last answer is told', async () => {
  await expect(eventually(() => 0, { timeoutMs: 10, everyMs: 1 })).rejects.toThrow('last answer: 0');
});

test('assertions are repeated until they hold', async () => {
  let looks = 0;
  await eventuallyHolds(() => expect((looks += 1)).toBeGreaterThan(2), { everyMs: 1 });
  expect(looks).toBe(3);
});
