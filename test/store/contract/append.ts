// The contract of the fenced append: contiguous, idempotent, and refused to everyone but the term's holder.
import { expect, test } from 'vitest';
import type { Backend } from './backend.ts';
import { all, expectRefusal, join, ledPartition, orders, reap, segment, take, topic } from './samples.ts';

export function appendContract(backend: Backend): void {
  test('segments are appended one behind the other, and the high watermark stands behind the last', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    const first = await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    expect(first).toMatchObject({ outcome: 'appended', highWatermark: 10 });
    const more = [segment(10, 10), segment(11, 29, { bucket: 'ü', key: 'a/b c', recordCount: 0 })];
    const second = await store.appendSegments(fence, 'orders', 0, more);
    expect(second).toMatchObject({ outcome: 'appended', highWatermark: 30 });
    const stored = { topic: 'orders', partition: 0, epoch: fence.epoch, createdAt: expect.any(Date) };
    expect((await store.listSegments('orders', 0, 0, all)).items).toEqual(
      [segment(0, 9), ...more].map((each) => ({ ...each, ...stored })),
    );
    expect(second.segments).toHaveLength(2);
    expect(await store.getPartition('orders', 0)).toMatchObject({ highWatermark: 30, startOffset: 0 });
  });

  test('an append asked again is done already, and writes nothing', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { fence } = await ledPartition(store);
    const run = [segment(0, 9), segment(10, 19)];
    const { segments } = await store.appendSegments(fence, 'orders', 0, run);
    const again = async () =>
      expect(await store.appendSegments(fence, 'orders', 0, run)).toEqual({
        outcome: 'already',
        segments,
        highWatermark: 20,
      });
    expect(await database.rowsWritten(again)).toEqual([]);
  });

  test('an append asked again after its term is over is done already all the same', async () => {
    const store = await (await backend.database()).store();
    const { sessionId, fence } = await ledPartition(store);
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    await store.releaseLeases(sessionId, [{ key: orders, epoch: fence.epoch }], 'released');
    const successor = await join(store, 'b');
    await take(store, successor, orders);
    const again = await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    expect(again.outcome).toBe('already');
    await expectRefusal(store.appendSegments(fence, 'orders', 0, [segment(0, 9), segment(10, 19)]), 'fenced');
  });

  test('of an array that is stored in part the rest is appended', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    const answer = await store.appendSegments(fence, 'orders', 0, [segment(0, 9), segment(10, 19)]);
    expect(answer).toMatchObject({ outcome: 'appended', highWatermark: 20 });
    expect(answer.segments.map(({ id }) => id)).toEqual(['s0', 's10']);
  });

  test('a known id with other content is refused', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    for (const other of [segment(0, 9, { key: 'x' }), segment(10, 19, { id: 's0' })]) {
      await expectRefusal(store.appendSegments(fence, 'orders', 0, [other]), 'already_exists');
    }
    expect((await store.getPartition('orders', 0))?.highWatermark).toBe(10);
  });

  test('ids are known per partition', async () => {
    const store = await (await backend.database()).store();
    const { sessionId, fence } = await ledPartition(store);
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    await store.addPartitions('orders', 2);
    const epoch = await take(store, sessionId, { ...orders, partition: 1 });
    const answer = await store.appendSegments({ sessionId, epoch }, 'orders', 1, [segment(0, 9)]);
    expect(answer.outcome).toBe('appended');
  });

  test('a gap and an overlap are refused and name the high watermark', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
    const append = (base: number) =>
      store.appendSegments(fence, 'orders', 0, [segment(base, base + 9, { id: 'new' })]);
    await expectRefusal(append(11), 'offset_gap', { highWatermark: 10 });
    await expectRefusal(append(9), 'offset_overlap', { highWatermark: 10 });
    await expectRefusal(append(0), 'offset_overlap', { highWatermark: 10 });
    expect((await store.listSegments('orders', 0, 0, all)).items).toHaveLength(1);
  });

  test('an array is appended whole or not at all', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    const append = (...run: ReturnType<typeof segment>[]) => store.appendSegments(fence, 'orders', 0, run);
    await expectRefusal(append(segment(0, 9), segment(11, 19)), 'invalid');
    await expectRefusal(append(segment(0, 9), segment(10, 19, { id: 's0' })), 'invalid');
    await expectRefusal(append(), 'invalid');
    // The second breaks a constraint of the database itself.
    await expect(append(segment(0, 9), segment(10, 19, { sizeBytes: -1 }))).rejects.toThrow(/check/);
    expect((await store.listSegments('orders', 0, 0, all)).items).toEqual([]);
    expect((await store.getPartition('orders', 0))?.highWatermark).toBe(0);
  });

  test('an unknown partition is not found', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    await expectRefusal(store.appendSegments(fence, 'orders', 1, [segment(0, 9)]), 'not_found');
    await expectRefusal(store.appendSegments(fence, 'other', 0, [segment(0, 9)]), 'not_found');
  });

  test('an epoch that is not the current one is fenced, and told the current one', async () => {
    const store = await (await backend.database()).store();
    const { sessionId, fence } = await ledPartition(store);
    await store.releaseLeases(sessionId, [{ key: orders, epoch: fence.epoch }], 'released');
    const epoch = await take(store, sessionId, orders);
    const facts = { givenEpoch: fence.epoch, currentEpoch: epoch, holder: 'a', committed: false };
    await expectRefusal(store.appendSegments(fence, 'orders', 0, [segment(0, 9)]), 'fenced', facts);
    const future = { sessionId, epoch: epoch + 1 };
    await expectRefusal(store.appendSegments(future, 'orders', 0, [segment(0, 9)]), 'fenced');
    expect((await store.getPartition('orders', 0))?.highWatermark).toBe(0);
  });

  test('who does not hold the lease at its current epoch has no lease, and is told who does', async () => {
    const store = await (await backend.database()).store();
    const { sessionId, fence } = await ledPartition(store);
    const stranger = { sessionId: await join(store, 'b'), epoch: fence.epoch };
    const append = (as: typeof fence) => store.appendSegments(as, 'orders', 0, [segment(0, 9)]);
    await expectRefusal(append(stranger), 'no_lease', { holder: 'a' });
    await store.releaseLeases(sessionId, [{ key: orders, epoch: fence.epoch }], 'released');
    await expectRefusal(append(fence), 'no_lease', { holder: null });
    expect((await store.getPartition('orders', 0))?.highWatermark).toBe(0);
  });

  test('a reaped session cannot write, even before anyone has taken over', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await reap(database, store, sessionId);
    await expectRefusal(store.appendSegments(fence, 'orders', 0, [segment(0, 9)]), 'session_lost');
    expect((await store.getPartition('orders', 0))?.highWatermark).toBe(0);
  });

  test('a leader whose topic was deleted and created anew is fenced', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    await store.deleteTopic('orders');
    await expectRefusal(store.appendSegments(fence, 'orders', 0, [segment(0, 9)]), 'not_found');
    await store.createTopic(topic('orders'));
    await expectRefusal(store.appendSegments(fence, 'orders', 0, [segment(0, 9)]), 'fenced', {
      currentEpoch: fence.epoch + 1,
      holder: null,
    });
  });

  test('of two appends for one place exactly one is stored', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { fence } = await ledPartition(store);
    const stores = [store, await database.store()];
    for (let base = 0; base < 50; base += 10) {
      const attempts = await Promise.allSettled(
        stores.map((each, i) =>
          each.appendSegments(fence, 'orders', 0, [segment(base, base + 9, { id: `s${base}-${i}` })]),
        ),
      );
      const refused = attempts.flatMap((each): unknown[] =>
        each.status === 'rejected' ? [each.reason] : [],
      );
      expect(refused).toMatchObject([{ code: 'offset_overlap', facts: { highWatermark: base + 10 } }]);
    }
    expect((await store.listSegments('orders', 0, 0, all)).items).toHaveLength(5);
  });
}
