// Preferred agents, and agents that have yet to settle.
import { describe, expect, it } from 'vitest';
import { plan } from '../../src/domain/planner.ts';
import { agent, agents, apply, at, loads, topic } from './planner-clusters.ts';

describe('a preference', () => {
  it('goes before balance, which works around it', () => {
    const partitions = [
      ...topic('orders', 4, 'a').map((each) => ({ ...each, prefer: ['b'] })),
      ...topic('payments', 4, 'b'),
    ];
    const { moves } = plan({ agents: agents('a', 'b', 'c'), partitions });
    expect(moves.filter(({ reason }) => reason === 'prefer').map(({ from, to }) => [from, to])).toEqual(
      Array.from({ length: 4 }, () => ['a', 'b']),
    );
    expect(loads(apply(partitions, { moves, unassignable: 0, deferred: 0 }))).toEqual({ a: 2, b: 4, c: 2 });
  });

  it('that gives an agent more than its share leaves the others to share the rest exactly', () => {
    const partitions = [
      ...topic('orders', 6, 'a').map((each) => ({ ...each, prefer: ['a'] })),
      ...topic('payments', 5, 'b'),
      at('refunds', 0, 'c'),
    ];
    const input = { agents: agents('a', 'b', 'c'), partitions };
    expect(loads(apply(partitions, plan(input)))).toEqual({ a: 6, b: 3, c: 3 });
  });

  it('decides where a new partition goes, which is new all the same', () => {
    const partitions = [...topic('orders', 2, 'b'), at('payments', 0, null, { prefer: ['b', 'a'] })];
    expect(plan({ agents: agents('a', 'b'), partitions }).moves).toMatchObject([
      { topic: 'orders', to: 'a', reason: 'balance' },
      { topic: 'payments', to: 'b', reason: 'new_partition' },
    ]);
  });

  it.each([
    ['is gone', agent('elsewhere')],
    ['is cordoned', agent('b', { takes: 'own' })],
    ['drains', agent('b', { takes: 'nothing', leaving: 'drain' })],
    ['has yet to settle', agent('b', { isUnsettled: true })],
    ['does not list the topic', agent('b', { managedTopics: ['x'] })],
  ])('passes to the next agent when the first one %s', (_, b) => {
    const partitions = [at('orders', 0, 'a', { prefer: ['b', 'c'] })];
    const { moves } = plan({ agents: [agent('a'), b, agent('c')], partitions });
    expect(moves).toMatchObject([{ from: 'a', to: 'c', reason: 'prefer' }]);
  });

  it('leaves a partition with a cordoned agent that is preferred to the others', () => {
    const partitions = [at('orders', 0, 'a', { prefer: ['a', 'b'] })];
    expect(plan({ agents: [agent('a', { takes: 'own' }), agent('b')], partitions }).moves).toEqual([]);
  });

  it('does not count against what an operator has put somewhere', () => {
    const partitions = [at('orders', 0, 'a', { prefer: ['b'], pinned: true })];
    expect(plan({ agents: agents('a', 'b'), partitions }).moves).toEqual([]);
  });
});

describe('an agent that has yet to settle', () => {
  const unsettled = agent('u', { isUnsettled: true });

  it('keeps what it has and is given nothing that others take', () => {
    const partitions = [...topic('orders', 3, 'u'), ...topic('payments', 4)];
    const after = apply(partitions, plan({ agents: [unsettled, agent('a'), agent('b')], partitions }));
    expect(loads(after)).toEqual({ u: 3, a: 2, b: 2 });
  });

  it('is given what nobody else takes, a cordoned agent least of all', () => {
    const cordoned = agent('c', { takes: 'own' });
    const picky = agent('p', { managedTopics: ['payments'] });
    const partitions = [...topic('orders', 2), at('orders', 2, 'c'), ...topic('payments', 1)];
    const after = apply(partitions, plan({ agents: [unsettled, cordoned, picky], partitions }));
    expect(loads(after)).toEqual({ u: 2, c: 1, p: 1 });
  });

  it('shares that with others like it, and nothing moves between them', () => {
    const all = ['u', 'v'].map((id) => agent(id, { isUnsettled: true }));
    const partitions = [...topic('orders', 4, 'u'), ...topic('payments', 3)];
    const result = plan({ agents: all, partitions });
    expect(result.moves.map(({ to }) => to)).toEqual(['v', 'v', 'v']);
    expect(plan({ agents: all, partitions: apply(partitions, result) }).moves).toEqual([]);
  });

  it('gets its share once it has settled', () => {
    const partitions = [...topic('orders', 4, 'a'), at('payments', 0, 'u')];
    const { moves } = plan({ agents: [agent('u'), agent('a')], partitions });
    expect(moves).toMatchObject([{ from: 'a', to: 'u' }]);
  });
});
