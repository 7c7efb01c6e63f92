import { expect, test } from 'vitest';
import { within } from '../../src/platform/within.ts';

const late = (): Error => new Error('late');
const hour = 3_600_000;

test('what comes in time is what came', async () => {
  await expect(within(Promise.resolve('here'), hour, late)).resolves.toBe('here');
  await expect(within(Promise.reject(new Error('broken')), hour, late)).rejects.toThrow('broken');
});

test('what does not come is late, and may fail afterwards unheard', async () => {
  let fail = (_: Error): void => undefined;
  const pending = new Promise<never>((_, reject) => {
    fail = reject;
  });
  await expect(within(pending, 1, late)).rejects.toThrow('late');
  // An unhandled rejection would end the run.
  fail(new Error('too late'));
  await new Promise((resolve) => setImmediate(resolve));
});
