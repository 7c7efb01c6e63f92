// Homes: what left an agent goes back to it when it returns.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan, type PlannerAgent, type PlannerPartition } from '../../src/domain/planner.ts';
import {
  agent,
  agents,
  anyWeight,
  apply,
  at,
  check,
  countBy,
  equalWeight,
  key,
  topic,
} from './planner-clusters.ts';

describe('home', () => {
  it('is the agent that was left first, through further departures', () => {
    const first = plan({ agents: agents('b'), partitions: [at('orders', 0, 'a')] });
    expect(first.moves).toMatchObject([{ to: 'b', home: 'a' }]);
    const second = plan({ agents: agents('c'), partitions: apply([at('orders', 0, 'a')], first) });
    expect(second.moves).toMatchObject([{ to: 'c', home: 'a' }]);
  });

  it('is forgotten by what moves for another reason', () => {
    const partitions = [...topic('orders', 4, 'b'), at('payments', 0, 'b')].map((each) => ({
      ...each,
      home: 'a',
    }));
    const { moves } = plan({ agents: agents('b', 'c'), partitions });
    expect(moves.map(({ reason, home }) => [reason, home])).toEqual([
      ['balance', null],
      ['balance', null],
    ]);
  });

  it('gets back what is its own, not something else', () => {
    const partitions = [
      ...topic('orders', 4, 'b'),
      at('payments', 0, 'b', { home: 'a' }),
      at('payments', 1, 'b', { home: 'a' }),
    ];
    const { moves } = plan({ agents: agents('a', 'b'), partitions, previousAgents: ['b'] });
    expect(moves.map(({ topic: name, to, reason, home }) => [name, to, reason, home])).toEqual([
      ['orders', 'a', 'agent_joined', null],
      ['payments', 'a', 'agent_joined', null],
      ['payments', 'a', 'agent_joined', null],
    ]);
  });

  it('gets one back also where balance would do without, and none that balance forbids', () => {
    const partitions = [at('x', 0, 'b'), at('x', 1, 'b', { home: 'a' }), at('x', 2, 'a')];
    expect(plan({ agents: agents('a', 'b'), partitions }).moves).toMatchObject([
      { partition: 1, from: 'b', to: 'a', reason: 'balance', home: null },
    ]);
    const full = [...partitions, at('x', 3, 'a')];
    expect(plan({ agents: agents('a', 'b'), partitions: full }).moves).toEqual([]);
  });

  it('gets back what leaves another agent before anybody else', () => {
    const partitions = [
      at('x', 0, 'gone'),
      at('x', 1, 'gone', { home: 'b' }),
      at('x', 2, 'a'),
      at('x', 3, 'c'),
    ];
    const { moves } = plan({ agents: agents('a', 'b', 'c'), partitions });
    expect(moves.find(({ partition }) => partition === 1)).toMatchObject({ to: 'b', home: null });
  });

  it('gets nothing back that somebody below its share needs, so that nothing else has to move', () => {
    // Shares of two and a third.
    const partitions = [
      ...topic('x', 3, 'a'),
      ...topic('y', 2, 'b'),
      at('z', 0, 'c'),
      at('z', 1, 'gone', { home: 'b' }),
    ];
    const { moves } = plan({ agents: agents('a', 'b', 'c'), partitions });
    expect(moves).toMatchObject([{ topic: 'z', partition: 1, to: 'c', home: 'b' }]);
  });

  it.each([
    ['cordoned', { takes: 'own' as const }],
    ['not settled', { isUnsettled: true }],
    ['not willing', { managedTopics: ['payments'] }],
  ])('gets nothing back while it is %s', (_, more) => {
    const partitions = topic('orders', 4, 'b').map((each) => ({ ...each, home: 'a' }));
    expect(plan({ agents: [agent('a', more), agent('b')], partitions }).moves).toEqual([]);
  });

  it('gets one back also in pools that share agents, where that does no harm', () => {
    const listed = [['x'], ['x', 'y'], ['y']].map((managedTopics, i) => agent(`a${i}`, { managedTopics }));
    const partitions = [at('x', 0, 'a1', { home: 'a0' }), at('y', 0, 'a2')];
    expect(plan({ agents: listed, partitions }).moves).toMatchObject([{ topic: 'x', to: 'a0' }]);
    const full = [...partitions, at('x', 1, 'a0')];
    expect(plan({ agents: listed, partitions: full }).moves).toEqual([]);
  });
});

describe('a restart of all agents, one after the other', () => {
  const anyCluster = (
    weight: fc.Arbitrary<number>,
  ): fc.Arbitrary<{ agents: PlannerAgent[]; sizes: number[] }> =>
    fc.record({
      agents: fc
        .array(fc.record({ weight, zone: fc.constantFrom('x', 'y', 'z') }), { minLength: 2, maxLength: 10 })
        .map((all) => all.map((more, i) => agent(`a${i}`, more))),
      sizes: fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 4 }),
    });

  check('moves each partition away and back, whatever their number', anyCluster(equalWeight), (cluster) => {
    const { before, after, movesOf } = restarted(cluster);
    expect(Math.max(...movesOf.values())).toBe(2);
    expect(whereabouts(after)).toEqual(whereabouts(before));
  });

  check('does so with weights 1 and 2 as well', anyCluster(fc.constantFrom(1, 2)), (cluster) => {
    const { before, after, movesOf } = restarted(cluster);
    expect(Math.max(...movesOf.values())).toBe(2);
    expect(whereabouts(after)).toEqual(whereabouts(before));
  });

  check(
    'does so with any weights, unless a departure takes something from an agent that stays',
    anyCluster(anyWeight),
    (cluster) => {
      const { before, after, movesOf, hasTaken } = restarted(cluster);
      if (hasTaken) return;
      expect(Math.max(...movesOf.values())).toBe(2);
      expect(whereabouts(after)).toEqual(whereabouts(before));
    },
  );

  check(
    'moves none more than once again where the next one stops before the plan that its return asks for',
    anyCluster(equalWeight),
    (cluster) => {
      const { movesOf } = restarted(cluster, true);
      expect(Math.max(...movesOf.values())).toBeLessThanOrEqual(3);
    },
  );
});

/** `overlapping`: an agent's return and the next one's departure are one plan. */
function restarted(
  { agents: all, sizes }: { agents: readonly PlannerAgent[]; sizes: readonly number[] },
  overlapping = false,
): {
  before: PlannerPartition[];
  after: PlannerPartition[];
  movesOf: ReadonlyMap<string, number>;
  hasTaken: boolean;
} {
  const fresh = sizes.flatMap((size, i) => topic(`t${i}`, size));
  const before = apply(fresh, plan({ agents: all, partitions: fresh }));
  const movesOf = new Map(before.map((each) => [key(each), 0]));
  let hasTaken = false;
  let after = before;
  const planFor = (present: readonly PlannerAgent[], gone?: PlannerAgent): void => {
    const departed = gone && [{ agentId: gone.agentId, zone: gone.zone, hasCrashed: false }];
    const result = plan({ agents: present, partitions: after, ...(departed && { departed }) });
    for (const move of result.moves) {
      movesOf.set(key(move), (movesOf.get(key(move)) ?? 0) + 1);
      if (gone !== undefined && move.from !== gone.agentId) hasTaken = true;
    }
    after = apply(after, result);
  };
  for (const stopped of all) {
    planFor(
      all.filter((each) => each !== stopped),
      stopped,
    );
    if (!overlapping) planFor(all);
  }
  planFor(all);
  return { before, after, movesOf, hasTaken };
}

function whereabouts(partitions: readonly PlannerPartition[]): Record<string, number> {
  return countBy(partitions.map((each) => `${key(each)} at ${each.assignedTo}`));
}
