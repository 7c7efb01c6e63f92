// One piece of work at a time, in the order asked for, whatever became of the one before.
import { expect, test } from 'vitest';
import { Serial } from '../../src/platform/serial.ts';
import { turn } from '../coordination/manual-clock.ts';

test('work asked for while other work runs waits for it, in order', async () => {
  const serial = new Serial();
  const steps: string[] = [];
  const work = (name: string) => async () => {
    steps.push(`${name} begins`);
    await turn();
    steps.push(`${name} ends`);
    return name;
  };
  const results = await Promise.all([serial.run(work('a')), serial.run(work('b')), serial.run(work('c'))]);
  expect(results).toEqual(['a', 'b', 'c']);
  expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('a failure reaches who asked for it, and nobody else', async () => {
  const serial = new Serial();
  const failed = serial.run(() => Promise.reject(new Error('no')));
  const next = serial.run(async () => 'yes');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('yes');
});
