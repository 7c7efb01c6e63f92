// What operators read of one partition, whole: each of these is a situation that somebody asks about at night.
import { describe, expect, test } from 'vitest';
import { type AgentInPlay, explain, type PartitionFacts } from '../../src/domain/explain.ts';
import { type Move, moveReasons } from '../../src/domain/planner.ts';

const at = new Date('2026-11-22T10:00:00.000Z');
const well: AgentInPlay = { state: 'active', settlesInMs: 0, isWilling: true };
const nothing = { due: undefined, free: undefined, whole: undefined };

function facts(more: Partial<PartitionFacts> = {}): PartitionFacts {
  return {
    topic: 'orders',
    partition: 3,
    lease: { agentId: 'a', epoch: 7, acquiredAt: at },
    assignment: { agentId: 'a', reason: 'new_partition', assignedAt: at },
    isPinned: false,
    home: null,
    prefer: [],
    agents: new Map([
      ['a', well],
      ['b', well],
    ]),
    coordinator: 'a',
    pausedSince: null,
    quarantineRestMs: 0,
    moves: nothing,
    ...more,
  };
}

const move = (to: string | null, reason: Move['reason']): Move => ({
  topic: 'orders',
  partition: 3,
  from: 'a',
  to,
  reason,
});

test('it is where it belongs', () => {
  expect(explain(facts())).toEqual({
    waitsFor: [],
    sentences: [
      'orders/3 is led by a under epoch 7 since 2026-11-22T10:00:00.000Z.',
      'It was assigned to a at 2026-11-22T10:00:00.000Z, because the partition was new and had nobody.',
      'The plan leaves it there.',
    ],
  });
});

test('it is being handed over', () => {
  const assignment = { agentId: 'b', reason: 'agent_joined', assignedAt: at } as const;
  expect(explain(facts({ assignment })).sentences.slice(1)).toEqual([
    'It was assigned to b at 2026-11-22T10:00:00.000Z, because it had just joined and had less than its share.',
    'The plan leaves it there.',
    'It waits for a and its broker to hand it over.',
    'It waits for b to acquire it.',
  ]);
});

test('it waits for the quarantine of a new era, unless somebody leads it', () => {
  const lease = { agentId: null, epoch: 7, acquiredAt: null };
  expect(explain(facts({ lease, quarantineRestMs: 4_250 })).waitsFor).toEqual([
    "the end of the new era's quarantine, in 5 s",
    'a to acquire it',
  ]);
  expect(explain(facts({ quarantineRestMs: 4_250 })).waitsFor).toEqual([]);
});

test('nobody leads it, and nobody plans', () => {
  const { waitsFor, sentences } = explain(
    facts({
      lease: { agentId: null, epoch: 7, acquiredAt: null },
      agents: new Map([['b', well]]),
      coordinator: null,
    }),
  );
  expect(sentences[0]).toBe('Nobody leads orders/3 now; its last epoch is 7.');
  expect(waitsFor).toEqual(['a plan without a, which is gone', 'a coordinator: nobody has that role now']);
});

describe('nobody takes it', () => {
  const nobody = { lease: { agentId: null, epoch: 0, acquiredAt: null }, assignment: null } as const;
  test.each([
    { agents: new Map<string, AgentInPlay>(), why: 'no agent lives' },
    {
      agents: new Map([['a', { ...well, isWilling: false }]]),
      why: 'none of 1 living agents lists the topic',
    },
    {
      agents: new Map<string, AgentInPlay>([['a', { ...well, state: 'draining' }]]),
      why: 'none of 1 living agents that list the topic takes new partitions',
    },
  ])('because $why', ({ agents, why }) => {
    expect(explain(facts({ ...nobody, agents })).sentences.slice(1)).toEqual([
      'It is assigned to nobody.',
      `The plan finds nobody for it: ${why}.`,
    ]);
  });
});

describe('the plan wants it elsewhere', () => {
  const wanted = move('b', 'balance');
  test.each([
    {
      name: 'next',
      more: { moves: { due: wanted, free: wanted, whole: wanted } },
      said: 'The next plan moves it to b (balance).',
    },
    {
      name: 'behind other moves',
      more: { moves: { due: undefined, free: wanted, whole: wanted } },
      said: 'The plan moves it to b (balance), when moves before it are done.',
    },
    {
      name: 'when balancing is resumed',
      more: { moves: { ...nothing, whole: wanted }, pausedSince: at },
      said: 'Exact balance moves it to b (balance), but balancing is paused since 2026-11-22T10:00:00.000Z; "resume" or "rebalance apply" does it.',
    },
    {
      name: 'when an operator asks',
      more: { moves: { ...nothing, whole: wanted } },
      said: 'Exact balance moves it to b (balance), but not by itself: it is pinned, or the imbalance is below the threshold; "rebalance apply" does it.',
    },
    {
      name: 'and nobody takes it',
      more: { moves: { ...nothing, due: move(null, 'not_willing') } },
      said: 'The next plan takes it from where it is (not_willing).',
    },
  ])('$name', ({ more, said }) => {
    expect(explain(facts(more)).sentences).toContain(said);
  });
});

test('a preferred agent that does not lead it is accounted for', () => {
  const prefer = ['gone', 'other', 'drained', 'shaky', 'a', 'b'];
  const agents = new Map<string, AgentInPlay>([
    ['a', well],
    ['other', { ...well, isWilling: false }],
    ['drained', { ...well, state: 'draining' }],
    ['shaky', { ...well, settlesInMs: 5 }],
  ]);
  expect(explain(facts({ prefer, agents })).sentences.filter((line) => line.includes('prefers'))).toEqual([
    'The topic prefers gone, which is not there.',
    'The topic prefers other, which does not list this topic.',
    'The topic prefers drained, which is draining.',
    'The topic prefers shaky, which crashed again and again and is not settled yet.',
  ]);
});

test('a pin and a home are said', () => {
  const { sentences } = explain(facts({ isPinned: true, home: 'b' }));
  expect(sentences).toContain('Balance leaves it there, until "rebalance apply" or another move.');
  expect(sentences).toContain('Its home is b: it goes back when that agent is back and balance allows.');
});

test('every reason for which it was assigned reads as a reason', () => {
  for (const reason of moveReasons) {
    const [, sentence] = explain(facts({ assignment: { agentId: 'a', reason, assignedAt: at } })).sentences;
    expect(sentence).toMatch(/, because (the|it|an) .+\.$/);
  }
});
