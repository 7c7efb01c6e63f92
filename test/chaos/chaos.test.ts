// Faults on real processes, bounded: each cheap kind once. The long form is `npm run chaos`.
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { NodeFaultName } from './faults.ts';
import { violationsIn } from './judge.ts';
import type { PlannedFault } from './plan.ts';
import { plants } from './planted.ts';
import { runChaos, type Sky } from './run.ts';

/** One after the other on each node and on the store, all of them at once. */
const lanes: readonly (readonly PlannedFault[])[] = [
  ofNode(0, ['kill', 'terminate', 'cut behind a commit', 'cut the client half']),
  ofNode(1, ['freeze', 'cut before a commit']),
  ofNode(2, ['refuse', 'delay']),
  (['terminate a backend', 'kill a backend', 'kill the server'] as const).map((name) => ({
    of: 'store',
    name,
  })),
];

function ofNode(node: number, names: readonly NodeFaultName[]): PlannedFault[] {
  return names.map((name) => ({ of: 'node', name, node }));
}

async function weather(sky: Sky): Promise<void> {
  await Promise.all(
    lanes.map(async (faults) => {
      for (const fault of faults) await sky.strike(fault);
    }),
  );
  await eventually(() => isEnough(sky) || sky.stage.signal.aborted, { what: 'enough to judge' });
}

/** Nothing at all proves nothing. A slow machine takes longer to come to it. */
function isEnough({ notes: { history, board, acknowledged, stale } }: Sky): boolean {
  const grants = history.operations.filter(({ what }) => what.kind === 'grant');
  return grants.length > 20 && board.told > 20 && acknowledged.length > 100 && stale.refused > 0;
}

const limit = { timeout: 180_000 };

test(
  'through faults of agents, network and server the history is one of fenced leases, and nothing acknowledged is lost',
  limit,
  async ({ signal, onTestFinished }) => {
    const run = runChaos({ seed: 1, agents: 3, partitions: 12, weather, signal });
    // A test that is cancelled is over at once; what it has begun takes a while.
    onTestFinished(async () => void (await Promise.allSettled([run])));
    const { violations, evidence } = await run;
    expect(violations).toEqual([]);
    const found = plants.map(({ what, into }) => [what, violationsIn(into(evidence)).join('\n')]);
    expect(found).toEqual(plants.map((plant) => [plant.what, expect.stringMatching(plant.found)]));
  },
);
