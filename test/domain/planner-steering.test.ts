// What operators and leaving agents ask of the planner: takes and pins honoured, for examples and for any cluster.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LeavingReason } from '../../src/domain/agent-state.ts';
import { plan, type PlannerAgent } from '../../src/domain/planner.ts';
import {
  agent,
  anySteeredCluster,
  apply,
  at,
  canKeep,
  check,
  isOpen,
  isWilling,
  keeperOf,
  key,
  loads,
  shares,
  takersOf,
  topic,
  wishOf,
} from './planner-clusters.ts';

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
      [0, 1, 2].map((partition) => ({ topic: 'orders', partition, from: 'a', to: 'b', reason, home: 'a' })),
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
        { topic: 'orders', partition: 0, from: 'a', to: null, reason: 'drain', home: 'a' },
        { topic: 'orders', partition: 1, from: 'a', to: null, reason: 'drain', home: 'a' },
      ],
      unassignable: 2,
      deferred: 0,
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
      { topic: 'payments', partition: 0, from: 'a', to: 'b', reason: 'not_willing', home: null },
    ]);
  });

  it('keeps all of it where every agent is cordoned, and new partitions wait', () => {
    const agents = [agent('a', { takes: 'own' }), agent('b', { takes: 'own' })];
    const partitions = [...topic('orders', 5, 'a'), at('orders', 5, null)];
    expect(plan({ agents, partitions })).toEqual({ moves: [], unassignable: 1, deferred: 0 });
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
    'gives to open agents alone, prefers as asked, and leaves to others exactly what they had',
    anySteeredCluster(anyTopics),
    (cluster) => {
      const result = plan(cluster);
      const after = apply(cluster.partitions, result);
      expect(after).toHaveLength(cluster.partitions.length);
      for (const [i, before] of cluster.partitions.entries()) {
        const to = after[i]?.assignedTo ?? null;
        const keeper = keeperOf(cluster, before);
        const wish = wishOf(cluster, before);
        const takers = takersOf(cluster, before.topic);
        if (wish !== undefined) expect(to).toBe(wish);
        else if (keeper !== null && !isOpen(cluster, keeper)) expect(to).toBe(keeper);
        else if (takers.length === 0) expect(to).toBeNull();
        else expect(takers).toContain(to);
      }
      expect(result.unassignable).toBe(after.filter(({ assignedTo }) => assignedTo === null).length);
    },
  );

  check('moves nothing for balance that is pinned', anySteeredCluster(anyTopics), (cluster) => {
    const after = apply(cluster.partitions, plan(cluster));
    for (const [i, before] of cluster.partitions.entries()) {
      if (before.pinned && canKeep(cluster, before.assignedTo, before.topic)) {
        expect(after[i]?.assignedTo).toBe(before.assignedTo);
      }
    }
  });

  check(
    'has nothing left to do once it is applied',
    anySteeredCluster(anyTopics),
    ({ agents, partitions }) => {
      expect(plan({ agents, partitions: apply(partitions, plan({ agents, partitions })) }).moves).toEqual([]);
    },
  );

  check(
    'does not depend on the order of its input',
    anySteeredCluster(anyTopics),
    ({ agents, partitions }) => {
      const reversed = { agents: agents.toReversed(), partitions: partitions.toReversed() };
      expect(plan(reversed)).toEqual(plan({ agents, partitions }));
    },
  );

  check('says why each partition moves', anySteeredCluster(anyTopics), (cluster) => {
    const { agents, partitions } = cluster;
    const crashed = new Set(['gone', 'b', 'd']);
    const departed = [...crashed].map((agentId) => ({ agentId, zone: 'x', hasCrashed: true }));
    for (const move of plan({ agents, partitions, departed }).moves) {
      const { from, reason, home } = move;
      const before = partitions.find((each) => key(each) === key(move)) ?? at('none', 0, null);
      const agent = agents.find(({ agentId }) => agentId === from);
      const stays = canKeep(cluster, from, move.topic);
      if (from === null) expect(reason).toBe('new_partition');
      else if (agent === undefined) expect(reason).toBe(crashed.has(from) ? 'agent_crashed' : 'agent_left');
      else if (agent.takes === 'nothing') expect(reason).toBe(agent.leaving);
      else if (!stays) expect(reason).toBe('not_willing');
      else expect(reason).toBe(wishOf(cluster, before) === move.to ? 'prefer' : 'balance');

      const origin = before.home ?? from;
      const isLeaving = from !== null && (agent === undefined || agent.takes === 'nothing');
      expect(home).toBe(isLeaving && origin !== move.to ? origin : null);
    }
  });

  check(
    'leaves no single move that would help and is not asked for otherwise, among equal weights',
    anySteeredCluster(anyTopics),
    (cluster) => {
      const agents = cluster.agents.map((each) => ({ ...each, weight: 1 }));
      const after = apply(cluster.partitions, plan({ agents, partitions: cluster.partitions }));
      const load = loads(after);
      for (const [i, { topic: name, assignedTo, pinned }] of after.entries()) {
        if (assignedTo === null || pinned || !isOpen(cluster, assignedTo)) continue;
        if (wishOf(cluster, cluster.partitions[i] ?? at(name, 0, null)) !== undefined) continue;
        for (const other of agents.filter((each) => isOpen(cluster, each.agentId) && isWilling(each, name))) {
          expect(load[assignedTo] ?? 0).toBeLessThanOrEqual((load[other.agentId] ?? 0) + 1);
        }
      }
    },
  );

  check(
    'splits among open agents that take all topics what others do not keep: exact shares, rounded down or up',
    anySteeredCluster(anyTopics),
    (cluster) => {
      const partitions = cluster.partitions.map((each) => ({ ...each, pinned: false, prefer: [] }));
      const agents = cluster.agents.map((each) =>
        isOpen(cluster, each.agentId) ? { ...each, managedTopics: [] } : each,
      );
      const open = agents.filter(({ agentId }) => isOpen(cluster, agentId));
      const load = loads(apply(partitions, plan({ agents, partitions })));
      const shared = open.reduce((sum, { agentId }) => sum + (load[agentId] ?? 0), 0);
      for (const { agentId, least, most } of shares(open, shared)) {
        expect(load[agentId] ?? 0).toBeGreaterThanOrEqual(least);
        expect(load[agentId] ?? 0).toBeLessThanOrEqual(most);
      }
    },
  );

  check(
    'does not move back what an operator has just moved, wherever that was',
    fc.tuple(anySteeredCluster(anyTopics), fc.nat(), fc.nat()),
    ([{ agents, partitions }, which, whom]) => {
      const settled = apply(partitions, plan({ agents, partitions }));
      const chosen = settled[which % Math.max(1, settled.length)];
      const takers = chosen === undefined ? [] : takersOf({ agents, partitions }, chosen.topic);
      const to = takers[whom % Math.max(1, takers.length)];
      if (chosen === undefined || to === undefined) return;
      const moved = { ...chosen, assignedTo: to, pinned: true };
      const { moves } = plan({ agents, partitions: settled.map((each) => (each === chosen ? moved : each)) });
      expect(moves.filter((move) => key(move) === key(chosen))).toEqual([]);
    },
  );
});
