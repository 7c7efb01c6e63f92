// Faults on real processes, bounded: each cheap kind once. The long form is `npm run chaos`.
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { violationsIn } from './judge.ts';
import { plants } from './planted.ts';
import { runChaos, type Sky } from './run.ts';

/** One after the other on each node, three nodes at once. */
const perNode = [
  ['kill', 'terminate', 'cut behind a commit', 'cut the client half'],
  ['freeze', 'cut before a commit'],
  ['refuse', 'delay'],
] as const;

async function weather(sky: Sky): Promise<void> {
  const { strike } = sky;
  await Promise.all(
    perNode.map(async (names, node) => {
      for (const name of names) await strike({ of: 'node', name, node });
    }),
  );
  await strike({ of: 'store', name: 'terminate a backend' });
  await strike({ of: 'store', name: 'kill a backend' });
  await strike({ of: 'store', name: 'kill the server' });
  await eventually(() => isEnough(sky) || sky.stage.signal.aborted, { what: 'enough to judge' });
}

/** Nothing at all proves nothing. A slow machine takes longer to come to it. */
function isEnough({ notes: { history, board, acknowledged, stale } }: Sky): boolean {
  const grants = history.operations.filter(({ what }) => what.kind === 'grant');
  return grants.length > 20 && board.told > 20 && acknowledged.length > 100 && stale.refused > 0;
}

test('through faults of agents, network and server the history is one of fenced leases, and nothing acknowledged is lost', async ({
  signal,
  onTestFinished,
}) => {
  const run = runChaos({ seed: 1, agents: 3, partitions: 12, weather, signal });
  // A test that is cancelled is over at once; what it has begun takes a while.
  onTestFinished(async () => void (await Promise.allSettled([run])));
  const { violations, evidence } = await run;
  expect(violations).toEqual([]);
  const found = plants.map(({ what, into }) => [what, violationsIn(into(evidence)).join('\n')]);
  expect(found).toEqual(plants.map((plant) => [plant.what, expect.stringMatching(plant.found)]));
});
