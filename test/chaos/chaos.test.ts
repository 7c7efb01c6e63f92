// Faults on real processes, bounded: each cheap kind once. The long form is `npm run chaos`.
import { expect, test } from 'vitest';
import { runChaos, type Sky } from './run.ts';

/** One after the other on each node, three nodes at once. */
const perNode = [
  ['kill', 'cut behind a commit', 'cut the client half'],
  ['freeze', 'cut before a commit'],
  ['delay', 'terminate', 'refuse'],
] as const;

async function weather({ strike }: Sky): Promise<void> {
  await Promise.all(
    perNode.map(async (names, node) => {
      for (const name of names) await strike({ of: 'node', name, node });
    }),
  );
  await strike({ of: 'store', name: 'terminate a backend' });
  await strike({ of: 'store', name: 'kill a backend' });
  await strike({ of: 'store', name: 'kill the server' });
}

test('through faults of agents, network and server the history is one of fenced leases, and nothing acknowledged is lost', async ({
  signal,
  onTestFinished,
}) => {
  const run = runChaos({ seed: 1, agents: 3, partitions: 12, weather, signal });
  // A test that is cancelled is over at once; what it has begun takes a while.
  onTestFinished(async () => void (await Promise.allSettled([run])));
  const { violations, figures } = await run;
  expect(violations).toEqual([]);
  // Nothing at all proves nothing.
  expect(figures['grants to clients of the store']).toBeGreaterThan(20);
  expect(figures['grants of partitions to agents']).toBeGreaterThan(12);
  expect(figures['appends acknowledged']).toBeGreaterThan(100);
  expect(figures['stale writes refused']).toBeGreaterThan(0);
});
