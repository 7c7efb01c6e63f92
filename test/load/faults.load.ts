// The load run in its long form; prints what it does and a summary.
import { expect, inject, test } from 'vitest';
import { postgresStore } from '../e2e/cluster.ts';
import { loadArguments, say } from './load-arguments.ts';
import { runLoad } from './load-run.ts';

test('nothing acknowledged is lost, doubled or out of order while agents and brokers die', async () => {
  const [target] = inject('postgresTargets');
  if (target === undefined) throw new Error('no PostgreSQL on this platform');
  const { seconds, seed, lanes } = loadArguments();
  say(`${seconds} s of faults on ${target.name}, seed ${seed}, ${lanes} at a time`);
  await using store = postgresStore(target.url);
  const { checks } = await runLoad({ env: store.env, seconds, seed, lanes, say });
  expect(checks.flatMap(({ violations }) => violations)).toEqual([]);
});
