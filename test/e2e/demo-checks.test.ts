// The demo's verdict can fail: each check of terms and passages is fed a history that breaks exactly what it claims, and names the
// violation. The checks of records have theirs in test/load/record-checks.test.ts.

import { expect, test } from 'vitest';
import { checkAll } from '../../src/demo/checks.ts';
import type { BrokerTerm, Claim, Evidence, Lease, Passage, TermEnd } from '../../src/demo/history.ts';
import type { ReadPartition, SentBatch } from '../../src/demo/records.ts';

function claim(holder: string, epoch: number, sentMs: number, receivedMs: number): Claim {
  return { topic: 'orders', partition: 0, agentId: holder.slice(0, 1), holder, epoch, sentMs, receivedMs };
}

function lease(partition: number, agentId: string | null, epoch: number): Lease {
  return { topic: 'orders', partition, agentId, epoch };
}

function term(agentId: string, epoch: number, begunMs: number, end?: TermEnd): BrokerTerm {
  return { topic: 'orders', partition: 0, agentId, epoch, begunMs, end };
}

const partitions = [
  { topic: 'orders', partition: 0 },
  { topic: 'orders', partition: 1 },
];
const batches: readonly SentBatch[] = partitions.map((name) => ({
  ...name,
  id: `batch-${name.partition}`,
  records: [0, 1].map((seq) => ({ producer: 'p0', seq })),
}));
const read: readonly ReadPartition[] = batches.map(({ topic, partition, id, records }) => ({
  topic,
  partition,
  highWatermark: 2,
  records: records.map((record, offset) => ({ offset, record })),
  segments: [{ id, epoch: 1, key: `${topic}/${partition}/1/0-${id}.seg`, baseOffset: 0, endOffset: 1 }],
}));

const lost: TermEnd = { atMs: 160, reason: 'stream_ended', askedMs: undefined };
const released: TermEnd = { atMs: 520, reason: 'released', askedMs: 510 };
const termsGood: readonly BrokerTerm[] = [
  term('a', 1, 5, lost),
  term('b', 2, 305, released),
  term('c', 3, 540),
  { ...term('c', 7, 5), partition: 1 },
];
const kill: Passage = {
  agentId: 'a',
  how: 'SIGKILL',
  moved: [lease(0, 'a', 1)],
  before: [lease(0, 'a', 1), lease(1, 'c', 7)],
  after: [lease(0, 'b', 2), lease(1, 'c', 7)],
};
const move: Passage = {
  agentId: 'b',
  how: 'move',
  to: 'c',
  moved: [lease(0, 'b', 2)],
  before: [lease(0, 'b', 2), lease(1, 'c', 7)],
  after: [lease(0, 'c', 3), lease(1, 'c', 7)],
};

/**
 * a leads orders/0 under epoch 1 and is killed at 150; b takes over under epoch 2 at about 300, and is asked for it at 510; c leads it
 * from 540 on under epoch 3, and orders/1 throughout.
 */
const good: Evidence = {
  partitions,
  sent: batches,
  acknowledged: batches.map((batch) => ({ batch, baseOffset: 0, endOffset: 1 })),
  read,
  zombies: [
    {
      topic: 'orders',
      partition: 0,
      id: 'zombie',
      epoch: 1,
      through: 'b',
      status: 409,
      code: 'fenced',
      toldEpoch: 2,
      epochBefore: 2,
      epochAfter: 2,
    },
  ],
  surprises: [],
  claims: [
    claim('a', 1, 0, 10),
    claim('a', 1, 100, 110),
    claim('b', 2, 300, 310),
    claim('b', 2, 400, 410),
    { ...claim('c', 7, 0, 10), partition: 1 },
    { ...claim('c', 7, 400, 410), partition: 1 },
  ],
  moments: 5,
  terms: termsGood,
  passages: [kill, move],
};

/** `claim: violation` of everything that failed. */
function violations(change: Partial<Evidence>): string[] {
  return checkAll({ ...good, ...change }).flatMap(({ claim, violations }) =>
    violations.map((violation) => `${claim}: ${violation}`),
  );
}

/** The history in which b's term of orders/0 was another one; undefined: was not. */
function withTermOfB(change: Partial<BrokerTerm> | undefined): Partial<Evidence> {
  const isOfB = ({ agentId }: BrokerTerm): boolean => agentId === 'b';
  return {
    terms: termsGood.flatMap((each) => (isOfB(each) ? (change ? [{ ...each, ...change }] : []) : [each])),
  };
}

test('a good history passes every check, and every check has counted something', () => {
  expect(violations({})).toEqual([]);
  expect(checkAll(good).filter(({ counted }) => counted === 0)).toEqual([]);
});

test('without anything recorded no check passes', () => {
  const empty: Evidence = {
    partitions: [],
    sent: [],
    acknowledged: [],
    read: [],
    zombies: [],
    surprises: [],
    claims: [],
    moments: 0,
    terms: [],
    passages: [],
  };
  const idle = ['nothing was recorded that could be checked'];
  expect(checkAll(empty).map(({ violations }) => violations)).toEqual(checkAll(good).map(() => idle));
});

const bad: readonly [what: string, change: Partial<Evidence>, violation: RegExp][] = [
  [
    'an acknowledged record that is lost',
    { read: read.map((each) => ({ ...each, records: each.records.slice(0, 1) })) },
    /orders\/0 p0#1: acknowledged at 1, is not there$/,
  ],
  [
    'two holders, each seen before and after the other',
    { claims: [...good.claims, claim('a', 1, 405, 408)] },
    /orders\/0: a \(epoch 1\) and b \(epoch 2\) both at 310 ms$/,
  ],
  [
    'two holders, one of them seen only once between two claims of the other',
    { claims: [...good.claims, claim('c', 3, 320, 330)] },
    /orders\/0: b \(epoch 2\) and c \(epoch 3\) both at 330 ms$/,
  ],
  [
    'two holders under one epoch',
    { claims: [...good.claims, claim('c', 2, 320, 330)] },
    /orders\/0: b \(epoch 2\) and c \(epoch 2\) both at 330 ms$/,
  ],
  ['no sampled moment', { moments: 0 }, /sampled moments, never two at once: nothing was recorded/],
  [
    'a broker that began while another still led',
    withTermOfB({ end: { ...released, atMs: 550 } }),
    /orders\/0: the broker beside c \(epoch 3\) began while the broker beside b \(epoch 2\) led, for another 10 ms$/,
  ],
  [
    'a broker that never stopped',
    withTermOfB({ end: undefined }),
    /orders\/0: the broker beside c \(epoch 3\) began while the broker beside b \(epoch 2\) led, and went on$/,
  ],
  [
    "a claim under an older epoch after a broker's term under a newer",
    { claims: [...good.claims, claim('a', 1, 500, 510)] },
    /orders\/0: epoch 1 of a at 500 ms, after epoch 2 of the broker beside b$/,
  ],
  [
    'a claim under an older epoch after one under a newer, of agents whose brokers say nothing',
    { claims: [...good.claims, claim('a', 1, 500, 510)], terms: [] },
    /orders\/0: epoch 1 of a at 500 ms, after epoch 2 of b$/,
  ],
  [
    "a broker's term under an older epoch after a claim under a newer",
    { terms: [...termsGood, term('a', 1, 450, { ...lost, atMs: 460 })] },
    /orders\/0: epoch 1 of the broker beside a at 450 ms, after epoch 2 of the broker beside b$/,
  ],
  [
    'one epoch claimed by two, whatever the times',
    { claims: [...good.claims, claim('c', 2, 600, 610)] },
    /orders\/0 epoch 2: held by b and c$/,
  ],
  [
    'one epoch claimed by two runs of one agent',
    { claims: [...good.claims, claim('b again', 2, 600, 610)] },
    /orders\/0 epoch 2: held by b and b again$/,
  ],
  [
    'one epoch led under by the broker of another agent',
    withTermOfB({ agentId: 'c' }),
    /orders\/0 epoch 2: held by b and c$/,
  ],
  [
    'a passage that moved what was another one’s',
    { passages: [{ ...kill, after: [lease(0, 'b', 2), lease(1, 'b', 8)] }, move] },
    /SIGKILL of a: orders\/1 was c \(epoch 7\) and became b \(epoch 8\)$/,
  ],
  [
    'a passage that renewed the epoch of another one’s lease',
    { passages: [{ ...kill, after: [lease(0, 'b', 2), lease(1, 'c', 8)] }, move] },
    /orders\/1 was c \(epoch 7\) and became c \(epoch 8\)$/,
  ],
  [
    'a passage after which a partition stayed without leader',
    { passages: [{ ...kill, after: [lease(0, null, 1), lease(1, 'c', 7)] }, move] },
    /orders\/0 was a \(epoch 1\) and became nobody \(epoch 1\)$/,
  ],
  [
    'a takeover under the same epoch',
    { passages: [{ ...kill, after: [lease(0, 'b', 1), lease(1, 'c', 7)] }, move] },
    /orders\/0 was a \(epoch 1\) and became b \(epoch 1\)$/,
  ],
  [
    'a passage of which only a part was seen',
    { passages: [{ ...kill, before: [lease(0, 'a', 1)] }, move] },
    /SIGKILL of a: 1 of 2 leases were seen before it$/,
  ],
  [
    'a passage of nothing',
    { passages: [{ ...kill, moved: [] }, move] },
    /SIGKILL of a: there was nothing to go$/,
  ],
  [
    'a move to somebody else than was said',
    { passages: [kill, { ...move, after: [lease(0, 'a', 3), lease(1, 'c', 7)] }] },
    /move of b: orders\/0 was b \(epoch 2\) and became a \(epoch 3\)$/,
  ],
  [
    'a handoff that the broker never acknowledged',
    withTermOfB({ end: { ...released, reason: 'handoff_timeout' } }),
    /move of b: orders\/0 was not acknowledged: its term ended as handoff_timeout$/,
  ],
  [
    'a handoff by the end of the stream instead of an acknowledgement',
    { ...withTermOfB({ end: lost }), passages: [kill, { ...move, how: 'SIGTERM' as const }] },
    /SIGTERM of b: orders\/0 was not acknowledged: its term ended as stream_ended$/,
  ],
  [
    'a broker that gave up what nobody had asked for',
    withTermOfB({ end: { ...released, askedMs: undefined } }),
    /orders\/0 was given up by its broker and never asked for$/,
  ],
  ['a handoff by a broker that did not lead', withTermOfB(undefined), /orders\/0 was not led by its broker$/],
  ['a kill alone, and no handoff', { passages: [kill] }, /handed over, .*: nothing was recorded/],
];

test.each(bad)('%s is reported', (_what, change, violation) => {
  const found = violations(change);
  expect(found).toContainEqual(expect.stringMatching(violation));
});

test('a handover while we were asking is no violation', () => {
  // Both questions were under way at once: a may have answered before b was granted.
  const claims = [
    claim('a', 1, 0, 10),
    claim('a', 1, 200, 320),
    claim('b', 2, 210, 310),
    claim('b', 2, 400, 410),
  ];
  const others = good.claims.filter(({ partition }) => partition === 1);
  expect(violations({ claims: [...claims, ...others] })).toEqual([]);
});

test('a suspended broker that goes on under the same epoch is no violation', () => {
  const terms = [
    term('b', 2, 305, { ...lost, reason: 'suspended', atMs: 350 }),
    term('b', 2, 360, released),
    ...termsGood.filter(({ agentId }) => agentId !== 'b'),
  ];
  expect(violations({ terms })).toEqual([]);
});
