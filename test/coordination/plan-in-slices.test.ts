// A plan takes turns with the event loop: often enough for heartbeats, and no more often, for each turn costs about a millisecond.
import { expect, test } from 'vitest';
import { planInSlices } from '../../src/coordination/placement.ts';
import { type PlannerInput, planAssignment } from '../../src/domain/planner.ts';
import type { Clock } from '../../src/platform/clock.ts';

const input: PlannerInput = {
  agents: ['a', 'b'].map((agentId) => ({ agentId, weight: 1, zone: 'z', managedTopics: [], takes: 'new' })),
  partitions: Array.from({ length: 50_000 }, (_, partition) => ({
    topic: 'orders',
    partition,
    assignedTo: null,
    holder: null,
    pinned: false,
  })),
};

function slicesOf(): number {
  const planning = planAssignment(input);
  let slices = 0;
  while (planning.next().done !== true) slices += 1;
  return slices;
}

/** A clock that goes on by `stepMs` between one slice and the next. */
function clockOf(stepMs: number): Clock & { readonly turns: () => number } {
  let [nowMs, turns] = [0, 0];
  return {
    monotonicMs: () => (nowMs += stepMs),
    wallMs: () => nowMs,
    sleep: async () => void (turns += 1),
    turns: () => turns,
  };
}

test.each([
  ['after each slice that takes long', 10, 1],
  ['after several short ones', 1, 5],
])('the event loop has a turn %s', async (_, stepMs, slicesPerTurn) => {
  const clock = clockOf(stepMs);
  const plan = await planInSlices(input, clock);
  expect(plan.moves).toHaveLength(50_000);
  expect(clock.turns()).toBe(Math.floor(slicesOf() / slicesPerTurn));
});

test('a plan that is not wanted any more ends at its next slice', async () => {
  const stop = new AbortController();
  const clock = clockOf(10);
  const wanted = planInSlices(input, { ...clock, sleep: async () => stop.abort() }, stop.signal);
  expect(await wanted).toBeUndefined();
});
