// What operators and leaving agents ask of the planner: takes and pins honoured, for examples and for any cluster.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LeavingReason, Takes } from '../../src/domain/agent-state.ts';
import { plan, type Plan, type PlannerAgent, type PlannerPartition } from '../../src/domain/planner.ts';
import { matchesTopicPattern } from '../../src/domain/topic-pattern.ts';

interface Cluster {
  readonly agents: readonly PlannerAgent[];
  readonly partitions: readonly PlannerPartition[];
}

describe('an agent that takes nothing', () => {
  it.each<[LeavingReason | undefined, string]>([
    ['drain', 'drain'],
    ['broker_down', 'broker_down'],
    ['agent_left', 'agent_left'],
    [undefined, 'agent_left'],
  ])('loses all it has, and %s is why (%s)', (leaving, reason) => {
    const a = agent('a', { takes: 'nothing', ...(leaving && { leaving }) });
    const { moves } = plan({ agents: [a, agent('b')], partitions: topic('orders', 3, 'a') });
    expect(moves).toEqual(
      [0, 1, 2].map((partition) => ({ topic: 'orders', partition, from: 'a', to: 'b', reason })),
    );
  });

  it('keeps nothing as its holder either', () => {
    const partitions = [at('orders', 0, 'gone', { holder: 'a' })];
    const { moves } = plan({ agents: [agent('a', { takes: 'nothing' }), agent('b')], partitions });
    expect(moves).toMatchObject([{ to: 'b', reason: 'agent_left' }]);
  });

  it('leaves its partitions to nobody where nobody else takes any', () => {
    const agents = [agent('a', { takes: 'nothing', leaving: 'drain' }), agent('b', { takes: 'own' })];
    expect(plan({ agents, partitions: [...topic('orders', 2, 'a'), at('orders', 2, 'b')] })).toEqual({
      moves: [
        { topic: 'orders', partition: 0, from: 'a', to: null, reason: 'drain' },
        { topic: 'orders', partition: 1, from: 'a', to: null, reason: 'drain' },
      ],
      unassignable: 2,
    });
  });
});

describe('a cordoned agent', () => {
  it('keeps what it has and gets nothing, whoever comes', () => {
    const agents = [agent('a', { takes: 'own' }), agent('b'), agent('c')];
    const partitions = [...topic('orders', 6, 'a'), ...topic('payments', 4)];
    const after = apply(partitions, plan({ agents, partitions }));
    expect(loads(after)).toEqual({ a: 6, b: 2, c: 2 });
    expect(after.slice(0, 6).every(({ assignedTo }) => assignedTo === 'a')).toBe(true);
  });

  it('keeps what it leads though it was never assigned to it', () => {
    const partitions = [at('orders', 0, null, { holder: 'a' }), at('orders', 1, 'gone', { holder: 'a' })];
    const { moves } = plan({ agents: [agent('a', { takes: 'own' }), agent('b')], partitions });
    expect(moves).toMatchObject([{ to: 'a' }, { to: 'a' }]);
  });

  it('gives up what it does not list', () => {
    const a = agent('a', { takes: 'own', managedTopics: ['orders'] });
    const partitions = [at('orders', 0, 'a'), at('payments', 0, 'a')];
    expect(plan({ agents: [a, agent('b')], partitions }).moves).toEqual([
      { topic: 'payments', partition: 0, from: 'a', to: 'b', reason: 'not_willing' },
    ]);
  });

  it('keeps all of it where every agent is cordoned, and new partitions wait', () => {
    const agents = [agent('a', { takes: 'own' }), agent('b', { takes: 'own' })];
    const partitions = [...topic('orders', 5, 'a'), at('orders', 5, null)];
    expect(plan({ agents, partitions })).toEqual({ moves: [], unassignable: 1 });
  });

  it('does not tie together the pools of others', () => {
    // Its profile lists both topics; the open agents share none, and each pool of theirs is balanced exactly.
    const agents = [
      agent('both', { takes: 'own' }),
      ...['a', 'b'].map((id) => agent(id, { managedTopics: ['x'], weight: id === 'a' ? 2 : 1 })),
      agent('c', { managedTopics: ['y'] }),
    ];
    const partitions = [...topic('x', 9, 'b'), ...topic('y', 2, 'both')];
    expect(loads(apply(partitions, plan({ agents, partitions })))).toEqual({ a: 6, b: 3, both: 2 });
  });
});

describe('what an operator moved', () => {
  it('stays, and something else goes back for balance', () => {
    const partitions = [
      ...topic('orders', 2, 'a'),
      at('orders', 2, 'a', { pinned: true }),
      at('orders', 3, 'b'),
    ];
    const { moves } = plan({ agents: [agent('a'), agent('b')], partitions });
    expect(moves).toMatchObject([{ partition: 1, from: 'a', to: 'b', reason: 'balance' }]);
  });

  it('stays also where an agent has nothing else and more than its share', () => {
    const pinned = topic('orders', 4, 'a').map((each) => ({ ...each, pinned: true }));
    const agents = [agent('a'), agent('b'), agent('c')];
    expect(plan({ agents, partitions: pinned }).moves).toEqual([]);
    const more = [...pinned, ...topic('payments', 4)];
    expect(loads(apply(more, plan({ agents, partitions: more })))).toEqual({ a: 4, b: 2, c: 2 });
  });

  it.each<[string, PlannerAgent[]]>([
    ['is gone', [agent('b')]],
    ['drains', [agent('a', { takes: 'nothing' }), agent('b')]],
    ['no longer lists it', [agent('a', { managedTopics: ['x'] }), agent('b')]],
  ])('goes on when its agent %s', (_, agents) => {
    const partitions = [at('orders', 0, 'a', { pinned: true })];
    expect(plan({ agents, partitions }).moves).toMatchObject([{ from: 'a', to: 'b' }]);
  });
});

describe('for any steered cluster, an assignment plan', () => {
  const anyTopics = fc.constantFrom<readonly string[]>([], ['t0'], ['t1', 't2'], ['t*']);

  check(
    'gives to open agents alone, and leaves to cordoned ones exactly what they had',
    anyCluster(anyTopics),
    (cluster) => {
      const result = plan(cluster);
      const after = apply(cluster.partitions, result);
      expect(after).toHaveLength(cluster.partitions.length);
      for (const [i, before] of cluster.partitions.entries()) {
        const to = after[i]?.assignedTo ?? null;
        const keeper =
          [before.assignedTo, before.holder].find((id) => canKeep(cluster, id, before.topic)) ?? null;
        const takers = cluster.agents.filter((each) => each.takes === 'new' && lists(each, before.topic));
        if (takes(cluster, keeper) === 'own') expect(to).toBe(keeper);
        else if (takers.length === 0) expect(to).toBeNull();
        else expect(takers.map(({ agentId }) => agentId)).toContain(to);
      }
      expect(result.unassignable).toBe(after.filter(({ assignedTo }) => assignedTo === null).length);
    },
  );

  check('moves nothing for balance that is pinned', anyCluster(anyTopics), (cluster) => {
    const after = apply(cluster.partitions, plan(cluster));
    for (const [i, before] of cluster.partitions.entries()) {
      if (before.pinned && canKeep(cluster, before.assignedTo, before.topic)) {
        expect(after[i]?.assignedTo).toBe(before.assignedTo);
      }
    }
  });

  check('has nothing left to do once it is applied', anyCluster(anyTopics), ({ agents, partitions }) => {
    expect(plan({ agents, partitions: apply(partitions, plan({ agents, partitions })) }).moves).toEqual([]);
  });

  check('does not depend on the order of its input', anyCluster(anyTopics), ({ agents, partitions }) => {
    const reversed = { agents: agents.toReversed(), partitions: partitions.toReversed() };
    expect(plan(reversed)).toEqual(plan({ agents, partitions }));
  });

  check('says why each partition moves', anyCluster(anyTopics), ({ agents, partitions }) => {
    for (const { from, topic, reason } of plan({ agents, partitions }).moves) {
      const agent = agents.find(({ agentId }) => agentId === from);
      if (from === null) expect(reason).toBe('new_partition');
      else if (agent === undefined) expect(reason).toBe('agent_left');
      else if (agent.takes === 'nothing') expect(reason).toBe(agent.leaving);
      else expect(reason).toBe(lists(agent, topic) ? 'balance' : 'not_willing');
    }
  });

  check(
    'leaves no single move that would help and is not pinned, among equal weights',
    anyCluster(anyTopics),
    (cluster) => {
      const agents = cluster.agents.map((each) => ({ ...each, weight: 1 }));
      const open = agents.filter((each) => each.takes === 'new');
      const after = apply(cluster.partitions, plan({ agents, partitions: cluster.partitions }));
      const load = loads(after);
      for (const { topic, assignedTo, pinned } of after) {
        if (assignedTo === null || pinned || !open.some(({ agentId }) => agentId === assignedTo)) continue;
        for (const other of open.filter((each) => lists(each, topic))) {
          expect(load[assignedTo] ?? 0).toBeLessThanOrEqual((load[other.agentId] ?? 0) + 1);
        }
      }
    },
  );

  check(
    'splits among open agents that take all topics what others do not keep: exact shares, rounded down or up',
    anyCluster(anyTopics),
    (cluster) => {
      const partitions = cluster.partitions.map((each) => ({ ...each, pinned: false }));
      const agents = cluster.agents.map((each) =>
        each.takes === 'new' ? { ...each, managedTopics: [] } : each,
      );
      const open = agents.filter((each) => each.takes === 'new');
      const after = apply(partitions, plan({ agents, partitions }));
      const load = loads(after);
      const shared = open.reduce((sum, { agentId }) => sum + (load[agentId] ?? 0), 0);
      const weights = open.reduce((sum, { weight }) => sum + weight, 0);
      for (const { agentId, weight } of open) {
        expect(load[agentId] ?? 0).toBeGreaterThanOrEqual(Math.floor((shared * weight) / weights));
        expect(load[agentId] ?? 0).toBeLessThanOrEqual(Math.ceil((shared * weight) / weights));
      }
    },
  );

  check(
    'does not move back what an operator has just moved, wherever that was',
    fc.tuple(anyCluster(anyTopics), fc.nat(), fc.nat()),
    ([{ agents, partitions }, which, whom]) => {
      const settled = apply(partitions, plan({ agents, partitions }));
      const chosen = settled[which % Math.max(1, settled.length)];
      const takers = agents.filter((each) => each.takes === 'new' && chosen && lists(each, chosen.topic));
      const to = takers[whom % Math.max(1, takers.length)];
      if (chosen === undefined || to === undefined) return;
      const moved = { ...chosen, assignedTo: to.agentId, pinned: true };
      const { moves } = plan({ agents, partitions: settled.map((each) => (each === chosen ? moved : each)) });
      expect(moves.filter((move) => key(move) === key(chosen))).toEqual([]);
    },
  );
});

function check<T>(claim: string, cases: fc.Arbitrary<T>, property: (value: T) => void): void {
  it(claim, () => {
    fc.assert(fc.property(cases, property), { numRuns: 500 });
  });
}

const anySteering = fc.constantFrom<{ takes: Takes; leaving?: LeavingReason }>(
  { takes: 'new' },
  { takes: 'new' },
  { takes: 'own' },
  { takes: 'nothing', leaving: 'drain' },
  { takes: 'nothing', leaving: 'broker_down' },
);

/** One to six agents of all kinds; partitions anywhere, a third of them pinned. */
function anyCluster(topics: fc.Arbitrary<readonly string[]>): fc.Arbitrary<Cluster> {
  const agentIds = ['a', 'b', 'c', 'd', 'e', 'f'];
  const someone = fc.constantFrom(null, 'gone', ...agentIds, ...agentIds);
  const anyAgent = (agentId: string): fc.Arbitrary<PlannerAgent> =>
    fc
      .record({ weight: fc.constantFrom(0.5, 1, 1, 3, 10), managedTopics: topics, steering: anySteering })
      .map(({ steering, ...rest }) => ({ agentId, ...rest, ...steering }));
  return fc.record({
    agents: fc
      .subarray(agentIds, { minLength: 1 })
      .chain((ids) => fc.tuple(...ids.map((agentId) => anyAgent(agentId)))),
    partitions: fc.uniqueArray(
      fc.record({
        topic: fc.constantFrom('t0', 't1', 't2', 's'),
        partition: fc.nat(12),
        assignedTo: someone,
        holder: someone,
        pinned: fc.constantFrom(true, false, false),
      }),
      { selector: key, maxLength: 40 },
    ),
  });
}

function agent(agentId: string, more: Partial<PlannerAgent> = {}): PlannerAgent {
  return { agentId, weight: 1, managedTopics: [], takes: 'new', ...more };
}

/** Led by the agent that it is assigned to, and not pinned, unless said otherwise. */
function at(
  topic: string,
  partition: number,
  assignedTo: string | null,
  more: Partial<PlannerPartition> = {},
): PlannerPartition {
  return { topic, partition, assignedTo, holder: assignedTo, pinned: false, ...more };
}

function topic(name: string, partitions: number, assignedTo: string | null = null): PlannerPartition[] {
  return Array.from({ length: partitions }, (_, number) => at(name, number, assignedTo));
}

function key({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}

function lists({ managedTopics }: PlannerAgent, topic: string): boolean {
  return managedTopics.length === 0 || managedTopics.some((pattern) => matchesTopicPattern(pattern, topic));
}

function takes({ agents }: Cluster, agentId: string | null): Takes | undefined {
  return agents.find((each) => each.agentId === agentId)?.takes;
}

function canKeep({ agents }: Cluster, agentId: string | null, topic: string): boolean {
  return agents.some((each) => each.agentId === agentId && each.takes !== 'nothing' && lists(each, topic));
}

/** A move that is not an operator's ends the pin. */
function apply(partitions: readonly PlannerPartition[], { moves }: Plan): PlannerPartition[] {
  const moved = new Map(moves.map((move) => [key(move), move.to]));
  return partitions.map((partition) => {
    const to = moved.get(key(partition));
    return to === undefined
      ? { ...partition, holder: partition.assignedTo }
      : { ...partition, assignedTo: to, holder: to, pinned: false };
  });
}

function loads(partitions: readonly PlannerPartition[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { assignedTo } of partitions) {
    if (assignedTo !== null) counts[assignedTo] = (counts[assignedTo] ?? 0) + 1;
  }
  return counts;
}
