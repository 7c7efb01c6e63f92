// The planner by example: one small cluster for each rule.
import { describe, expect, it } from 'vitest';
import { plan, planAssignment } from '../../src/domain/planner.ts';
import { agent, agents, apply, at, countBy, topic } from './planner-clusters.ts';

describe('an assignment plan', () => {
  it('splits a fresh cluster evenly and says that every partition is new', () => {
    const { moves, unassignable } = plan({ agents: agents('a', 'b', 'c'), partitions: topic('orders', 7) });
    expect(countBy(moves.map((move) => move.to))).toEqual({ a: 3, b: 2, c: 2 });
    expect(moves.every((move) => move.from === null && move.reason === 'new_partition')).toBe(true);
    expect(unassignable).toBe(0);
  });

  it('leaves a balanced cluster alone, also where the assigned agent does not hold the lease yet', () => {
    const partitions = [
      at('orders', 0, 'a', { holder: 'b' }),
      at('orders', 1, 'b', { holder: 'a' }),
      at('orders', 2, 'a', { holder: null }),
      at('orders', 3, 'b'),
    ];
    expect(plan({ agents: agents('a', 'b'), partitions }).moves).toEqual([]);
  });

  it('gives a partition whose agent left to the agent that leads it already', () => {
    const partitions = [at('orders', 0, 'gone', { holder: 'b' }), at('orders', 1, 'a')];
    expect(plan({ agents: agents('a', 'b'), partitions }).moves).toEqual([
      { topic: 'orders', partition: 0, from: 'gone', to: 'b', reason: 'agent_left', home: 'gone' },
    ]);
  });

  it('gives a never planned partition to the agent that leads it already', () => {
    const partitions = [at('orders', 0, null, { holder: 'b' })];
    expect(plan({ agents: agents('a', 'b'), partitions }).moves).toEqual([
      { topic: 'orders', partition: 0, from: null, to: 'b', reason: 'new_partition', home: null },
    ]);
  });

  it('moves only the partitions of an agent that left', () => {
    const partitions = [
      ...topic('orders', 4, 'a'),
      ...topic('payments', 4, 'b'),
      ...topic('refunds', 4, 'c'),
    ];
    const { moves } = plan({ agents: agents('a', 'b'), partitions });
    expect(moves.map(({ topic, from, reason }) => [topic, from, reason])).toEqual(
      Array.from({ length: 4 }, () => ['refunds', 'c', 'agent_left']),
    );
    expect(countBy(moves.map((move) => move.to))).toEqual({ a: 2, b: 2 });
  });

  it('moves to a newcomer no more than its share', () => {
    const partitions = [...topic('orders', 6, 'a'), ...topic('payments', 6, 'b')];
    const { moves } = plan({ agents: agents('a', 'b', 'c'), partitions, previousAgents: ['a', 'b'] });
    expect(countBy(moves.map((move) => `${move.from} to ${move.to}: ${move.reason}`))).toEqual({
      'a to c: agent_joined': 2,
      'b to c: agent_joined': 2,
    });
  });

  it.each([{ previousAgents: ['a', 'b'] }, {}])(
    'calls a move between old agents, or ones not known to be new, balance',
    (known) => {
      const { moves } = plan({ agents: agents('a', 'b'), partitions: topic('orders', 4, 'a'), ...known });
      expect(moves.map(({ to, reason }) => [to, reason])).toEqual([
        ['b', 'balance'],
        ['b', 'balance'],
      ]);
    },
  );

  it('places only the partitions of a new topic', () => {
    const partitions = [...topic('orders', 3, 'a'), ...topic('payments', 2, 'b'), ...topic('refunds', 3)];
    const { moves } = plan({ agents: agents('a', 'b'), partitions });
    expect(countBy(moves.map((move) => `${move.topic} to ${move.to}`))).toEqual({
      'refunds to a': 1,
      'refunds to b': 2,
    });
  });

  it('gives an agent of weight 3 three times the partitions of one of weight 1', () => {
    const weighted = [agent('a', { weight: 1 }), agent('b', { weight: 3 })];
    const { moves } = plan({ agents: weighted, partitions: topic('orders', 8) });
    expect(countBy(moves.map((move) => move.to))).toEqual({ a: 2, b: 6 });
  });

  it('takes exact shares of weights that binary fractions cannot express', () => {
    const weighted = [agent('a', { weight: 0.1 }), agent('b', { weight: 0.2 }), agent('c', { weight: 0.3 })];
    const { moves } = plan({ agents: weighted, partitions: topic('orders', 6) });
    expect(countBy(moves.map((move) => move.to))).toEqual({ a: 1, b: 2, c: 3 });
  });

  it('does not fall into the apportionment paradox: one partition more takes nothing from anyone', () => {
    // By largest remainder, weights 6, 6 and 2 get 4, 4, 2 of ten seats but 5, 5, 1 of eleven.
    const weighted = [agent('a', { weight: 6 }), agent('b', { weight: 6 }), agent('c', { weight: 2 })];
    const ten = [...topic('x', 4, 'a'), ...topic('y', 4, 'b'), ...topic('z', 2, 'c')];
    const { moves } = plan({ agents: weighted, partitions: [...ten, at('new', 0, null)] });
    expect(moves.map(({ topic, to }) => [topic, to])).toEqual([['new', 'a']]);
  });

  it('moves an old partition where an agent could not reach its rounded-down share otherwise', () => {
    // Of six partitions weight 20 is due 3, weight 5 is due 0.75, and each of fifteen of weight 1 is due 0.15.
    const small = Array.from({ length: 15 }, (_, i) => agent(`s${i}`));
    const weighted = [agent('big', { weight: 20 }), agent('mid', { weight: 5 }), ...small];
    const partitions = [
      ...topic('x', 2, 'big'),
      at('x', 2, 'mid'),
      ...[0, 1, 2].map((i) => at('y', i, `s${i}`)),
    ];
    const { moves } = plan({ agents: weighted, partitions });
    expect(moves.map(({ from, to, reason }) => [from, to, reason])).toEqual([['s0', 'big', 'balance']]);
  });

  it('takes the one that is above a share which is a whole number, though nobody is below', () => {
    // The shares are 5, 2.5 and 2.5.
    const weighted = [agent('a', { weight: 2 }), agent('b'), agent('c')];
    const partitions = [...topic('x', 6, 'a'), ...topic('y', 2, 'b'), ...topic('z', 2, 'c')];
    const { moves } = plan({ agents: weighted, partitions });
    expect(moves.map(({ from, to }) => [from, to])).toEqual([['a', 'b']]);
  });

  it('breaks ties towards the agent with the fewest partitions of the topic, then by agent id', () => {
    const placed = [at('orders', 0, 'a'), at('payments', 0, 'b'), at('refunds', 0, 'c')];
    const partitions = [...placed, at('orders', 1, null)];
    expect(plan({ agents: agents('a', 'b', 'c'), partitions }).moves.map((move) => move.to)).toEqual(['b']);
  });

  it('takes what is too much from the topic of which the agent has the most', () => {
    const partitions = [...topic('few', 2, 'a'), ...topic('many', 5, 'a'), ...topic('other', 1, 'b')];
    const { moves } = plan({ agents: agents('a', 'b'), partitions });
    expect(moves.map(({ topic, to }) => [topic, to])).toEqual([
      ['many', 'b'],
      ['many', 'b'],
      ['many', 'b'],
    ]);
  });

  it('orders its moves by topic and partition number', () => {
    const partitions = [at('b', 10, null), at('b', 9, null), at('a', 2, null), at('B', 0, null)];
    const { moves } = plan({ agents: agents('a'), partitions });
    expect(moves.map((move) => `${move.topic}/${move.partition}`)).toEqual(['B/0', 'a/2', 'b/9', 'b/10']);
  });
});

describe('agents that list their topics', () => {
  const orders = agent('o', { managedTopics: ['orders.*'] });
  const payments = agent('p', { managedTopics: ['payments.??', 'refunds'] });

  it('get those and nothing else, each pool balanced for itself', () => {
    const partitions = [...topic('orders.eu', 5), ...topic('payments.eu', 2), ...topic('refunds', 1)];
    const { moves } = plan({ agents: [orders, payments], partitions });
    expect(countBy(moves.map((move) => `${move.topic} to ${move.to}`))).toEqual({
      'orders.eu to o': 5,
      'payments.eu to p': 2,
      'refunds to p': 1,
    });
  });

  it('lose a topic that they no longer list', () => {
    const { moves } = plan({ agents: [orders, payments], partitions: [at('refunds', 0, 'o')] });
    expect(moves).toEqual([
      { topic: 'refunds', partition: 0, from: 'o', to: 'p', reason: 'not_willing', home: null },
    ]);
  });

  it('leave without an agent what nobody lists, counted each time and moved once', () => {
    const nobody = [at('audit', 0, 'o'), at('audit', 1, 'gone'), at('audit', 2, null, { holder: 'p' })];
    expect(plan({ agents: [orders, payments], partitions: nobody })).toEqual({
      moves: [
        { topic: 'audit', partition: 0, from: 'o', to: null, reason: 'not_willing', home: null },
        { topic: 'audit', partition: 1, from: 'gone', to: null, reason: 'agent_left', home: 'gone' },
      ],
      unassignable: 3,
      deferred: 0,
    });
    expect(plan({ agents: [orders, payments], partitions: topic('audit', 3) })).toEqual({
      moves: [],
      unassignable: 3,
      deferred: 0,
    });
  });

  it('leave the topics that they do not list to the others, and the others give up theirs', () => {
    const partitions = [...topic('orders.eu', 4, 'z'), ...topic('audit', 4, 'z')];
    const { moves } = plan({ agents: [orders, agent('z')], partitions });
    expect(moves.map(({ topic, to }) => [topic, to])).toEqual(
      Array.from({ length: 4 }, () => ['orders.eu', 'o']),
    );
  });

  it('pass on what they have too much of until no single move helps, which need not be the best balance', () => {
    // Only b can take from a, and only c from b. One more from a to b and from b to c would give 4, 4, 4.
    const listed = [
      agent('a', { managedTopics: ['ab'] }),
      agent('b', { managedTopics: ['ab', 'bc'] }),
      agent('c', { managedTopics: ['bc'] }),
    ];
    const partitions = [...topic('ab', 6, 'a'), ...topic('bc', 6, 'b')];
    const after = apply(partitions, plan({ agents: listed, partitions }));
    expect(countBy(after.map((partition) => partition.assignedTo))).toEqual({ a: 5, b: 4, c: 3 });
  });
});

describe('a cluster without agents', () => {
  it('has everything unassigned', () => {
    const { moves, unassignable } = plan({ agents: [], partitions: topic('orders', 2, 'gone') });
    expect(moves.map(({ to, reason }) => [to, reason])).toEqual([
      [null, 'agent_left'],
      [null, 'agent_left'],
    ]);
    expect(unassignable).toBe(2);
  });

  it('may have no partitions either', () => {
    expect(plan({ agents: [], partitions: [] })).toEqual({ moves: [], unassignable: 0, deferred: 0 });
    expect(plan({ agents: agents('a'), partitions: [] })).toEqual({
      moves: [],
      unassignable: 0,
      deferred: 0,
    });
  });
});

describe('the planner refuses', () => {
  it('an agent listed twice', () => {
    expect(() => plan({ agents: agents('a', 'b', 'a'), partitions: [] })).toThrow('agent a is listed twice');
  });

  it('a partition listed twice', () => {
    const partitions = [at('orders', 1, null), at('payments', 0, null), at('orders', 1, 'a')];
    expect(() => plan({ agents: agents('a'), partitions })).toThrow('orders/1 is listed twice');
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 0.0001, 2_000_000])('a weight of %d', (weight) => {
    expect(() => plan({ agents: [agent('a', { weight })], partitions: [] })).toThrow(RangeError);
  });

  it.each([0, 1.5, Number.NaN])('slices of %d units', (sliceSize) => {
    expect(() => planAssignment({ agents: [], partitions: [] }, { sliceSize }).next()).toThrow(RangeError);
  });
});
