// Faults on real processes in their long form: all kinds, round after round in an order of the seed's, and 20 agents more at once in the middle.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seededRandom } from '../load/seeded-random.ts';
import { loadArguments, say } from '../load/load-arguments.ts';
import { findFakeTime } from './fake-time.ts';
import { crowd } from './faults.ts';
import { planRound, type PlannedFault } from './plan.ts';
import { runChaos, type Sky } from './run.ts';
import { sayJudgement } from './report.ts';

const agents = 5;
const lanes = 2;
const crowdCount = 20;
/** A shorter run would be about little else. */
const crowdFromSeconds = 120;

test('faults of every kind on agents, network and server', async ({ signal, onTestFinished }) => {
  const { seconds, seed } = loadArguments();
  const time = await findFakeTime();
  if (time.outcome === 'not_there') say(`NOT DONE: steps of agents' clocks, because ${time.reason}`);
  using fakeTime = time.outcome === 'found' ? time.found : undefined;
  const plan = seededRandom(seed);
  say(`${seconds} s of faults, seed ${seed}, ${agents} agents`);
  const weather = async ({ stage, strike, count }: Sky): Promise<void> => {
    const endMs = performance.now() + 1_000 * seconds;
    const middleMs = performance.now() + 500 * seconds;
    let round: PlannedFault[] = [];
    let isCrowdDue = seconds >= crowdFromSeconds;
    const busy = new Set<number>();
    const next = (): PlannedFault | undefined => {
      if (round.length === 0) round = planRound(plan, { nodes: agents, canSetClocks: stage.canSetClocks });
      // Never two at once on one node, nor two of the store.
      const index = round.findIndex((fault) => !busy.has(placeOf(fault)));
      return index < 0 ? undefined : round.splice(index, 1)[0];
    };
    const lane = async (): Promise<void> => {
      while (performance.now() < endMs) {
        if (isCrowdDue && performance.now() > middleMs) {
          isCrowdDue = false;
          count(`${crowdCount} agents at once`);
          say(`${crowdCount} agents more at once`);
          await crowd(stage, crowdCount);
        }
        const fault = next();
        if (fault === undefined) {
          await sleep(100, undefined, { signal: stage.signal });
          continue;
        }
        busy.add(placeOf(fault));
        await strike(fault);
        busy.delete(placeOf(fault));
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  };
  const run = runChaos({ seed, agents, partitions: 40, fakeTime, say, weather, signal });
  // A test that is cancelled is over at once; what it has begun takes a while.
  onTestFinished(async () => void (await Promise.allSettled([run])));
  const judgement = await run;
  sayJudgement(judgement, say);
  expect(judgement.violations).toEqual([]);
});

function placeOf(fault: PlannedFault): number {
  return fault.of === 'store' ? -1 : fault.node;
}
