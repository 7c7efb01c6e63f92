// Writes that come together go to the database together: in few statements, each with its own outcome under its own fence, and as
// if they had been asked one by one.
import { describe, expect, inject, test } from 'vitest';
import { partitionKey } from '../../src/domain/lease.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { NewSegment } from '../../src/domain/segment.ts';
import type { OffsetCommit } from '../../src/store/consumer-groups.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import type { Fence } from '../../src/store/segments.ts';
import { all, join, segment, topic } from './contract/samples.ts';
import { type Open, openSqlite, postgresOpener } from './counted-stores.ts';

/** A topic `orders` led by one agent; answers its fences. */
async function led(store: MetadataStore, partitionCount: number): Promise<readonly Fence[]> {
  await store.createTopic(topic('orders', partitionCount));
  const sessionId = await join(store, 'a');
  const keys = Array.from({ length: partitionCount }, (_, partition) => partitionKey('orders', partition));
  const { outcomes } = await store.acquireLeases(sessionId, keys);
  return outcomes.map((each) => ({ sessionId, epoch: each.outcome === 'granted' ? each.epoch : -1 }));
}

const commit = (partition: number, offset: number, name = 'orders'): OffsetCommit => ({
  topic: name,
  partition,
  offset,
  metadata: null,
});

/** What came of each: its value, or what it was refused with. */
async function told(asked: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const ends = await Promise.allSettled(asked);
  return ends.map((end) => {
    if (end.status === 'fulfilled') return end.value;
    const reason: unknown = end.reason;
    return reason instanceof Refusal ? reason.code : String(reason);
  });
}

/** A generator of whole numbers below `n`, the same for the same seed. */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

function joinedWrites(open: Open, statementsOf: { readonly commits: number; readonly appends: number }) {
  test('64 commits at once are one request', async () => {
    const { store, db } = await open();
    const fences = await led(store, 64);
    await Promise.all(fences.map((fence, p) => store.advanceHighWatermark(fence, 'orders', p, 10)));
    const ran = await db.during(async () => {
      const answers = await Promise.all(fences.map((_, p) => store.commitOffsets('cg', [commit(p, p % 10)])));
      expect(answers).toMatchObject(fences.map((_, p) => [{ partition: p, offset: p % 10 }]));
    });
    expect(ran).toHaveLength(statementsOf.commits);
    expect((await store.listCommittedOffsets('cg', all)).items).toHaveLength(64);
  });

  test('64 appends at once are one request, and appends of one partition keep their order', async () => {
    const { store, db } = await open();
    const fences = await led(store, 16);
    const append = (p: number, base: number) =>
      store.appendSegments(fences[p] ?? { sessionId: '', epoch: 0 }, 'orders', p, [segment(base, base + 9)]);
    const places = fences.flatMap((_, p) => [0, 10, 20, 30].map((base) => [p, base] as const));
    const ran = await db.during(async () => {
      const answers = await Promise.all(places.map(([p, base]) => append(p, base)));
      expect(answers).toMatchObject(
        places.map(([p, base]) => ({
          outcome: 'appended',
          highWatermark: base + 10,
          segments: [{ id: `s${base}`, topic: 'orders', partition: p, epoch: fences[p]?.epoch }],
        })),
      );
    });
    // The first of each partition, the second of each, and so on.
    expect(ran).toHaveLength(statementsOf.appends);
    expect((await store.listSegments('orders', 7, 0, all)).items).toMatchObject([
      segment(0, 9),
      segment(10, 19),
      segment(20, 29),
      segment(30, 39),
    ]);
  });

  test('each commit has its own outcome, whatever the others are', async () => {
    const { store } = await open();
    const fences = await led(store, 4);
    await Promise.all(fences.map((fence, p) => store.advanceHighWatermark(fence, 'orders', p, 10)));
    const answers = await told([
      store.commitOffsets('cg', [commit(0, 1)]),
      store.commitOffsets('beyond', [commit(1, 2), commit(0, 11)]),
      store.commitOffsets('unknown', [commit(4, 0)]),
      store.commitOffsets('elsewhere', [commit(0, 0, 'other')]),
      store.commitOffsets('nul', [{ ...commit(3, 3), metadata: 'a\0b' }]),
      store.commitOffsets('cg', [commit(2, 3), commit(1, 4)]),
    ]);
    expect(answers).toMatchObject([
      [{ consumerGroup: 'cg', partition: 0, offset: 1 }],
      'conflict',
      'not_found',
      'not_found',
      'invalid',
      [
        { partition: 1, offset: 4 },
        { partition: 2, offset: 3 },
      ],
    ]);
    const { items } = await store.listConsumerGroups(all);
    expect(items.map(({ consumerGroup }) => consumerGroup)).toEqual(['cg']);
  });

  test('of commits of one partition the last that is not refused stays, and each is answered as it was asked', async () => {
    const { store, db } = await open();
    const fences = await led(store, 2);
    await Promise.all(fences.map((fence, p) => store.advanceHighWatermark(fence, 'orders', p, 10)));
    const ran = await db.during(async () => {
      const answers = await told([
        store.commitOffsets('cg', [commit(0, 5), commit(1, 1)]),
        store.commitOffsets('cg', [commit(0, 9)]),
        store.commitOffsets('cg', [commit(0, 7)]),
        store.commitOffsets('cg', [commit(0, 11)]),
        store.commitOffsets('cg', [commit(0, 3), commit(1, 12)]),
      ]);
      expect(answers).toMatchObject([
        [{ offset: 5 }, { offset: 1 }],
        [{ offset: 9 }],
        [{ offset: 7 }],
        'conflict',
        'conflict',
      ]);
    });
    expect(ran).toHaveLength(statementsOf.commits);
    const { items } = await store.listCommittedOffsets('cg', all);
    expect(items.map(({ offset }) => offset)).toEqual([7, 1]);
  });

  test('each append meets its own fence, and the others go through', async () => {
    const { store } = await open();
    const fences = await led(store, 8);
    const [fence = { sessionId: '', epoch: 0 }] = fences;
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    await store.appendSegments(fence, 'orders', 7, [segment(0, 9)]);
    const stranger = await join(store, 'b');
    const append = (p: number, as: Fence, ...run: NewSegment[]) => store.appendSegments(as, 'orders', p, run);
    const answers = await told([
      append(0, fence, segment(0, 9)),
      append(1, { ...fence, epoch: fence.epoch + 1 }, segment(0, 9)),
      append(2, { ...fence, sessionId: stranger }, segment(0, 9)),
      append(3, fence, segment(0, 9)),
      append(4, fence, segment(5, 9)),
      append(5, fence, segment(0, 9), segment(10, 19)),
      append(6, fence, segment(0, 9, { sizeBytes: -1 })),
      append(7, fence, segment(10, 19, { id: 's0' })),
      append(8, fence, segment(0, 9)),
    ]);
    expect(answers).toMatchObject([
      { outcome: 'already' },
      'fenced',
      'no_lease',
      { outcome: 'appended', highWatermark: 10 },
      'offset_gap',
      { outcome: 'appended', highWatermark: 20 },
      expect.stringMatching(/check/),
      'already_exists',
      'not_found',
    ]);
    const { items } = await store.listPartitions('orders', all);
    expect(items.map(({ highWatermark }) => highWatermark)).toEqual([10, 0, 0, 10, 0, 20, 0, 10]);
  });

  test('whatever comes together comes to the same as one by one', async () => {
    const [together, oneByOne] = [(await open()).store, (await open()).store];
    const partitionCount = 5;
    const fences = [await led(together, partitionCount), await led(oneByOne, partitionCount)] as const;
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 12; seed++) {
      const roll = dice(seed);
      // Commits in one round, appends in the next: neither waits for the other, and a commit depends on what is appended.
      const isOfAppends = seed % 2 === 1;
      const plans = Array.from({ length: 24 }, (_, nth) => {
        const p = roll(partitionCount + 1);
        const [isStale, base] = [roll(8) === 0, 10 * roll(4)];
        const commits = [
          commit(p, roll(50)),
          ...(roll(3) === 0 ? [commit(roll(partitionCount), roll(50))] : []),
        ];
        const group = `cg${roll(2)}`;
        return (store: MetadataStore, [own]: readonly Fence[]): Promise<unknown> => {
          if (!isOfAppends) return store.commitOffsets(group, commits);
          const fence = { sessionId: own?.sessionId ?? '', epoch: (own?.epoch ?? 0) - (isStale ? 1 : 0) };
          return store.appendSegments(fence, 'orders', p, [segment(base, base + 9, { id: `s${nth % 9}` })]);
        };
      });
      const joined = await told(plans.map((plan) => plan(together, fences[0])));
      const single: unknown[] = [];
      for (const plan of plans) single.push(...(await told([plan(oneByOne, fences[1])])));
      expect(joined.map(comparable)).toEqual(single.map(comparable));
      for (const answer of single) kinds.add(kindOf(answer));
    }
    // Or the rounds have shown little.
    expect([...kinds].sort()).toEqual([
      'already',
      'already_exists',
      'appended',
      'committed',
      'conflict',
      'fenced',
      'not_found',
      'offset_gap',
      'offset_overlap',
    ]);
    const state = async (store: MetadataStore) => [
      (await store.listPartitions('orders', all)).items,
      (await store.listCommittedOffsets('cg0', all)).items.map(({ partition, offset }) => [
        partition,
        offset,
      ]),
      (await store.listCommittedOffsets('cg1', all)).items.map(({ partition, offset }) => [
        partition,
        offset,
      ]),
    ];
    expect(await state(together)).toEqual(await state(oneByOne));
  });
}

function kindOf(answer: unknown): string {
  if (typeof answer === 'string') return answer;
  return typeof answer === 'object' && answer !== null && 'outcome' in answer
    ? String(answer.outcome)
    : 'committed';
}

/** Without what differs between any two stores. */
function comparable(answer: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answer, (key, value: unknown) =>
      ['committedAt', 'createdAt'].includes(key) ? null : value,
    ),
  );
}

describe('SQLite', () => {
  // begin, judge, groups, offsets; and per append in its transaction the move and the segments.
  joinedWrites(openSqlite, { commits: 4, appends: 4 + 2 * 64 });
});

for (const { name, url } of inject('postgresTargets')) {
  describe(name, () => {
    joinedWrites(postgresOpener(url), { commits: 1, appends: 4 });
  });
}
