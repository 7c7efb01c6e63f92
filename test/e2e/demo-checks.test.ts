// The demo's verdict can fail: each check is fed a history that breaks exactly what it claims, and names the violation.

import { expect, test } from 'vitest';
import { checkAll } from '../../src/demo/checks.ts';
import type {
  Acknowledgement,
  Claim,
  Departure,
  Evidence,
  Lease,
  PlacedSegment,
  StoredPartition,
  ZombieWrite,
} from '../../src/demo/history.ts';

/** Ten records at 0, 10, 20, …; the first under epoch 1 by a, the others under epoch 2 by b. */
function segment(n: number, more: Partial<PlacedSegment> = {}): PlacedSegment {
  return {
    topic: 'orders',
    partition: 0,
    epoch: n === 0 ? 1 : 2,
    id: `s${n}`,
    baseOffset: 10 * n,
    endOffset: 10 * n + 9,
    recordCount: 10,
    sizeBytes: 100,
    bucket: 'demo',
    key: `orders/0/${n}`,
    ...more,
  };
}

function acknowledged(
  of: PlacedSegment,
  holder: string,
  sentMs: number,
  receivedMs = sentMs + 5,
): Acknowledgement {
  return { segment: of, holder, sentMs, receivedMs };
}

function claim(
  holder: string,
  epoch: number,
  sentMs: number,
  receivedMs: number,
  untilMs = sentMs + 100,
): Claim {
  return { topic: 'orders', partition: 0, holder, epoch, sentMs, receivedMs, untilMs };
}

function lease(partition: number, agentId: string | null, epoch: number): Lease {
  return { topic: 'orders', partition, agentId, epoch };
}

const partitions = [
  { topic: 'orders', partition: 0 },
  { topic: 'orders', partition: 1 },
];
const other = segment(0, { partition: 1, id: 'other', epoch: 7, key: 'orders/1/0' });
const sent = [segment(0), segment(1), segment(2), other];

const departureGood: Departure = {
  agentId: 'a',
  holder: 'a',
  how: 'SIGKILL',
  before: [lease(0, 'a', 1), lease(1, 'c', 7)],
  after: [lease(0, 'b', 2), lease(1, 'c', 7)],
};
const zombieGood: ZombieWrite = {
  segment: segment(9, { id: 'zombie', epoch: 1 }),
  through: 'b',
  status: 409,
  code: 'fenced',
  toldEpoch: 2,
  epochBefore: 2,
  epochAfter: 2,
};
const storedGood: StoredPartition = {
  topic: 'orders',
  partition: 0,
  highWatermark: 30,
  segments: [segment(0), segment(1), segment(2)],
};
const storedOther: StoredPartition = { topic: 'orders', partition: 1, highWatermark: 10, segments: [other] };

/** a leads orders/0 under epoch 1, is killed at 150, b takes over under epoch 2 at about 300; c leads orders/1 throughout. */
const good: Evidence = {
  partitions,
  sent,
  acknowledged: [
    acknowledged(segment(0), 'a', 20),
    acknowledged(segment(1), 'b', 320),
    acknowledged(other, 'c', 30),
  ],
  claims: [
    claim('a', 1, 0, 10),
    claim('a', 1, 100, 110),
    claim('b', 2, 300, 310),
    claim('b', 2, 400, 410),
    { ...claim('c', 7, 0, 10), partition: 1 },
    { ...claim('c', 7, 400, 410), partition: 1 },
  ],
  moments: 5,
  departures: [departureGood],
  zombies: [zombieGood],
  stored: [storedGood, storedOther],
  surprises: [],
};

function storing(segments: readonly PlacedSegment[], highWatermark = 30): Partial<Evidence> {
  return { stored: [{ topic: 'orders', partition: 0, highWatermark, segments }, storedOther] };
}

/** `claim: violation` of everything that failed. */
function violations(change: Partial<Evidence>): string[] {
  return checkAll({ ...good, ...change }).flatMap(({ claim, violations }) =>
    violations.map((violation) => `${claim}: ${violation}`),
  );
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
    claims: [],
    moments: 0,
    departures: [],
    zombies: [],
    stored: [],
    surprises: [],
  };
  const idle = ['nothing was recorded that could be checked'];
  expect(checkAll(empty).map(({ violations }) => violations)).toEqual(checkAll(good).map(() => idle));
});

const zombie = segment(3, { id: 'zombie', epoch: 1 });

const bad: readonly [what: string, change: Partial<Evidence>, violation: RegExp][] = [
  [
    'a gap between segments',
    { ...storing([segment(0), segment(2)]), acknowledged: [acknowledged(segment(0), 'a', 20)] },
    /orders\/0: gap, segment s2 begins at 20 and not at 10$/,
  ],
  [
    'overlapping segments',
    storing([segment(0), segment(1), segment(2, { id: 's2b', baseOffset: 15, endOffset: 29 })]),
    /orders\/0: overlap, segment s2b begins at 15 and not at 20$/,
  ],
  [
    'a first segment that is missing',
    storing([segment(1), segment(2)]),
    /orders\/0: gap, segment s1 begins at 10 and not at 0$/,
  ],
  [
    'a high watermark beyond the last segment',
    storing([segment(0), segment(1), segment(2)], 31),
    /the high watermark is 31, the segments end before 30$/,
  ],
  ['a partition that was not read', { stored: [storedGood] }, /orders\/1: was not read back$/],
  ['a partition nobody wrote to', storing([], 0), /orders\/0: nothing is stored$/],
  [
    'an acknowledged segment that is lost',
    storing([segment(0)], 10),
    /s1 \[10, 19\] epoch 2: acknowledged and not stored$/,
  ],
  [
    'an acknowledged segment that is stored twice',
    storing([segment(0), segment(1), segment(1, { baseOffset: 20, endOffset: 29 })]),
    /s1 .*: stored 2 times$/,
  ],
  [
    'an acknowledged segment at other offsets',
    storing([segment(0), segment(1, { endOffset: 29 })]),
    /s1 \[10, 19\] epoch 2: stored as orders\/0 s1 \[10, 29\] epoch 2$/,
  ],
  [
    'an acknowledged segment under another epoch',
    storing([segment(0), segment(1, { epoch: 3 })], 20),
    /s1 \[10, 19\] epoch 2: stored as orders\/0 s1 \[10, 19\] epoch 3$/,
  ],
  [
    'an acknowledged segment in another partition',
    { acknowledged: [acknowledged(segment(0, { partition: 1 }), 'a', 20)] },
    /orders\/1 s0 .*: stored as orders\/0 s0/,
  ],
  [
    'a stored segment that nobody sent',
    storing([segment(0), segment(1), segment(2, { id: 'foreign' })]),
    /foreign .*: stored and never sent$/,
  ],
  [
    'a stored segment with another key than was sent',
    storing([segment(0), segment(1), segment(2, { key: 'elsewhere' })]),
    /s2 .*: sent as/,
  ],
  [
    'an older epoch behind a newer one',
    storing([segment(0), segment(1), segment(2, { epoch: 1 })]),
    /s2 \[20, 29\] epoch 1: stands behind epoch 2$/,
  ],
  [
    'a takeover that left no trace',
    storing([segment(0, { epoch: 2 }), segment(1), segment(2)]),
    /changes of epoch .*: nothing was recorded that could be checked$/,
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
    'a claim under an older epoch after one under a newer',
    { claims: [...good.claims, claim('a', 1, 500, 510)] },
    /orders\/0: epoch 1 of a at 500 ms, after epoch 2 of b$/,
  ],
  [
    'a write under an older epoch after a claim under a newer',
    { acknowledged: [...good.acknowledged, acknowledged(segment(0), 'a', 350)] },
    /orders\/0: epoch 1 of a at 350 ms, after epoch 2 of b$/,
  ],
  [
    'one epoch claimed by two, whatever the times',
    { claims: [...good.claims, claim('c', 2, 600, 610)] },
    /orders\/0 epoch 2: held by b and c$/,
  ],
  [
    'one epoch written under by two',
    { acknowledged: [...good.acknowledged, acknowledged(segment(2), 'c', 420)] },
    /orders\/0 epoch 2: held by b and c$/,
  ],
  [
    'a takeover before the trust of the killed agent had ended',
    { claims: [...good.claims, claim('a', 1, 120, 125, 350)] },
    /orders\/0: b held it 40 ms before the trust of a had ended$/,
  ],
  [
    'a departure that moved what was another one’s',
    { departures: [{ ...departureGood, after: [lease(0, 'b', 2), lease(1, 'b', 8)] }] },
    /SIGKILL of a: orders\/1 was c \(epoch 7\) and became b \(epoch 8\)$/,
  ],
  [
    'a departure that renewed the epoch of another one’s lease',
    { departures: [{ ...departureGood, after: [lease(0, 'b', 2), lease(1, 'c', 8)] }] },
    /orders\/1 was c \(epoch 7\) and became c \(epoch 8\)$/,
  ],
  [
    'a departure after which a partition stayed without leader',
    { departures: [{ ...departureGood, after: [lease(0, null, 1), lease(1, 'c', 7)] }] },
    /orders\/0 was a \(epoch 1\) and became nobody \(epoch 1\)$/,
  ],
  [
    'a takeover under the same epoch',
    { departures: [{ ...departureGood, after: [lease(0, 'b', 1), lease(1, 'c', 7)] }] },
    /orders\/0 was a \(epoch 1\) and became b \(epoch 1\)$/,
  ],
  [
    'a departure of which only a part was seen',
    { departures: [{ ...departureGood, before: [lease(0, 'a', 1)] }] },
    /SIGKILL of a: 1 of 2 leases were seen before it$/,
  ],
  [
    'a zombie write that was accepted',
    { zombies: [{ ...zombieGood, status: 201, code: undefined, toldEpoch: undefined }] },
    /write to orders\/0 under epoch 1 through b: answered 201 $/,
  ],
  [
    'a zombie write that was refused for another reason',
    { zombies: [{ ...zombieGood, code: 'offset_gap' }] },
    /through b: answered 409 offset_gap$/,
  ],
  [
    'a zombie write told an epoch that was never current',
    { zombies: [{ ...zombieGood, toldEpoch: 5 }] },
    /through b: told epoch 5, which was 2 before and 2 after$/,
  ],
  [
    'a zombie write not told any epoch',
    { zombies: [{ ...zombieGood, toldEpoch: undefined }] },
    /told epoch undefined/,
  ],
  [
    'a zombie that was none',
    { zombies: [{ ...zombieGood, segment: { ...zombieGood.segment, epoch: 2 } }] },
    /under epoch 2 through b: that epoch was not over$/,
  ],
  [
    'a zombie write that was refused and stored',
    storing([segment(0), segment(1), segment(2), zombie], 40),
    /under epoch 1 through b: stored all the same$/,
  ],
  ['an answer beyond explanation', { surprises: ['a: 409 offset_gap'] }, /: a: 409 offset_gap$/],
];

test.each(bad)('%s is reported', (_what, change, violation) => {
  const found = violations(change);
  expect(found).toContainEqual(expect.stringMatching(violation));
});

test('a handover while we were asking is no violation', () => {
  // Both questions were under way at once: a may have answered before b was granted.
  const claims = [
    claim('a', 1, 0, 10),
    claim('a', 1, 200, 320, 220),
    claim('b', 2, 210, 310),
    claim('b', 2, 400, 410),
  ];
  const others = good.claims.filter(({ partition }) => partition === 1);
  const departures = [{ ...departureGood, how: 'SIGTERM' as const }];
  const failed = violations({ claims: [...claims, ...others], departures });
  expect(failed).toEqual([expect.stringContaining('leases of a killed agent')]); // nobody was killed in this history
});

test('a write answered late, after the takeover, is judged by when it was sent first', () => {
  const late = acknowledged(segment(0), 'a', 20, 350);
  expect(violations({ acknowledged: [...good.acknowledged, late] })).toEqual([]);
});

test('a stored segment whose answer was lost is lawful', () => {
  expect(good.acknowledged.map(({ segment: { id } }) => id)).not.toContain('s2');
  expect(violations({})).toEqual([]);
});
