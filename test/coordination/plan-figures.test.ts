// What is said of a plan: what each agent has once its moves are made, and what is its by weight, however many slices that took.
import { expect, test } from 'vitest';
import { planFigures } from '../../src/coordination/plan-figures.ts';
import { fairShares } from '../../src/domain/fair-share.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import type { LiveAgent, PlanningInput } from '../../src/store/assignments.ts';

const agent = (agentId: string, more: Partial<LiveAgent> = {}): LiveAgent => ({
  agentId,
  sessionId: `session of ${agentId}`,
  weight: 1,
  zone: 'z',
  managedTopics: [],
  takes: 'new',
  aliveForMs: 60_000,
  crashes: 0,
  ...more,
});

const input: PlanningInput = {
  generation: 6,
  pausedSince: new Date(0),
  applyRequestedAt: null,
  agents: [
    agent('a', { weight: 2 }),
    agent('b', { managedTopics: ['t-1*'] }),
    agent('kept', { takes: 'own' }),
    agent('leaving', { takes: 'nothing' }),
  ],
  departed: [{ agentId: 'gone', zone: 'z', hasCrashed: true }],
  partitions: Array.from({ length: 9_000 }, (_, i) => ({
    topic: `t-${Math.floor(i / 3)}`,
    partition: i % 3,
    assignedTo: ['a', 'kept', 'gone'][i % 3] ?? null,
    holder: null,
    pinned: false,
  })),
};
const moves = input.partitions
  .filter(({ assignedTo }) => assignedTo === 'gone')
  .map(({ topic, partition }, i) => ({
    topic,
    partition,
    from: 'gone',
    to: i < 1_000 ? 'b' : null,
    reason: 'agent_crashed' as const,
  }));

test('figures are those of the plan once it is written, of the live agents alone, made in slices', async () => {
  let slices = 0;
  const sleep: Clock['sleep'] = (ms) => {
    slices += 1;
    return systemClock.sleep(ms);
  };
  const planned = { input, plan: { moves, deferred: 4 }, generation: 7 };
  const figures = await planFigures(planned, { ...systemClock, sleep });
  expect(slices).toBeGreaterThan(4);
  // As if it had been counted in one go.
  const shares = fairShares(
    input.agents.map((each) => ({ ...each, isOpen: each.takes === 'new' })),
    input.partitions.map(({ topic, assignedTo }) => ({ topic, agentId: assignedTo })),
  );
  expect(figures).toEqual({
    generation: 7,
    isPaused: true,
    waiting: 4,
    agents: [
      { agentId: 'a', partitions: 3_000, share: expect.closeTo(shares.get('a') ?? NaN, 6) },
      { agentId: 'b', partitions: 1_000, share: expect.closeTo(shares.get('b') ?? NaN, 6) },
      { agentId: 'kept', partitions: 3_000, share: undefined },
      { agentId: 'leaving', partitions: 0, share: undefined },
    ],
  });
});
