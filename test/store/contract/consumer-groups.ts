// The contract of consumer groups and committed offsets.
import { expect, test } from 'vitest';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Backend } from './backend.ts';
import { all, expectRefusal, join, take, topic } from './samples.ts';

/** Topics `orders` of two partitions and `audit` of one, each written up to offset 100. */
async function written(store: MetadataStore): Promise<void> {
  const sessionId = await join(store, 'a');
  for (const [name, count] of [
    ['orders', 2],
    ['audit', 1],
  ] as const) {
    await store.createTopic(topic(name, count));
    for (let partition = 0; partition < count; partition++) {
      const epoch = await take(store, sessionId, { kind: 'partition', topic: name, partition });
      await store.advanceHighWatermark({ sessionId, epoch }, name, partition, 100);
    }
  }
}

const commit = (topic: string, partition: number, offset: number, metadata: string | null = null) => ({
  topic,
  partition,
  offset,
  metadata,
});

export function consumerGroupContract(backend: Backend): void {
  test('a group is made once, by whoever asks first', async () => {
    const store = await (await backend.database()).store();
    expect(await store.getConsumerGroup('cg')).toBeUndefined();
    expect(await store.ensureConsumerGroup('cg')).toBe(true);
    expect(await store.ensureConsumerGroup('cg')).toBe(false);
    expect(await store.getConsumerGroup('cg')).toEqual({ consumerGroup: 'cg', createdAt: expect.any(Date) });
  });

  test('a committed offset is read back, and the last one counts', async () => {
    const store = await (await backend.database()).store();
    await written(store);
    const [answer] = await store.commitOffsets('cg', [commit('orders', 0, 40, 'by a')]);
    expect(answer).toEqual({
      ...commit('orders', 0, 40, 'by a'),
      consumerGroup: 'cg',
      committedAt: expect.any(Date),
    });
    expect(await store.getCommittedOffset('cg', 'orders', 0)).toEqual(answer);
    await store.commitOffsets('cg', [commit('orders', 0, 60)]);
    expect(await store.getCommittedOffset('cg', 'orders', 0)).toMatchObject(commit('orders', 0, 60));
    expect(await store.getCommittedOffset('cg', 'orders', 1)).toBeUndefined();
    expect(await store.getCommittedOffset('other', 'orders', 0)).toBeUndefined();
    expect(await store.getCommittedOffset('cg', 'other', 0)).toBeUndefined();
  });

  test('a commit makes the group, and a commit of nothing changes no offset', async () => {
    const store = await (await backend.database()).store();
    await written(store);
    expect(await store.commitOffsets('cg', [])).toEqual([]);
    await store.commitOffsets('cg', [commit('orders', 0, 1)]);
    expect(await store.getConsumerGroup('cg')).toBeDefined();
    expect(await store.ensureConsumerGroup('cg')).toBe(false);
  });

  test('a committed offset may go back, up to the high watermark, and not beyond it', async () => {
    const store = await (await backend.database()).store();
    await written(store);
    await store.commitOffsets('cg', [commit('orders', 0, 100)]);
    await store.commitOffsets('cg', [commit('orders', 0, 0)]);
    expect((await store.getCommittedOffset('cg', 'orders', 0))?.offset).toBe(0);
    const beyond = store.commitOffsets('cg', [commit('orders', 0, 101)]);
    await expectRefusal(beyond, 'conflict', { highWatermark: 100 });
    expect((await store.getCommittedOffset('cg', 'orders', 0))?.offset).toBe(0);
  });

  test('a batch is committed whole or not at all', async () => {
    const store = await (await backend.database()).store();
    await written(store);
    const good = commit('orders', 0, 5);
    await expectRefusal(store.commitOffsets('cg', [good, commit('orders', 1, 101)]), 'conflict');
    await expectRefusal(store.commitOffsets('cg', [good, commit('orders', 2, 0)]), 'not_found');
    await expectRefusal(store.commitOffsets('cg', [good, commit('other', 0, 0)]), 'not_found');
    expect(await store.getConsumerGroup('cg')).toBeUndefined();
    const stored = await store.commitOffsets('cg', [commit('orders', 1, 7), good, commit('audit', 0, 9)]);
    expect(stored).toMatchObject([commit('audit', 0, 9), good, commit('orders', 1, 7)]);
  });

  test('of a partition named twice in a batch the last counts', async () => {
    const store = await (await backend.database()).store();
    await written(store);
    const answer = await store.commitOffsets('cg', [commit('orders', 0, 9, 'x'), commit('orders', 0, 3)]);
    expect(answer).toMatchObject([commit('orders', 0, 3)]);
  });

  test("a group's offsets are listed by topic and partition", async () => {
    const store = await (await backend.database()).store();
    await written(store);
    await store.commitOffsets('cg', [commit('orders', 1, 2), commit('orders', 0, 1)]);
    await store.commitOffsets('cg', [commit('audit', 0, 3)]);
    await store.commitOffsets('other', [commit('audit', 0, 4)]);
    const { items } = await store.listCommittedOffsets('cg', all);
    expect(items).toMatchObject([commit('audit', 0, 3), commit('orders', 0, 1), commit('orders', 1, 2)]);
    await expectRefusal(store.listCommittedOffsets('unknown', all), 'not_found');
  });

  test('a deleted group is gone with its offsets, and others stay', async () => {
    const store = await (await backend.database()).store();
    await written(store);
    await store.commitOffsets('cg', [commit('orders', 0, 1)]);
    await store.commitOffsets('other', [commit('orders', 0, 2)]);
    await store.deleteConsumerGroup('cg');
    expect(await store.getConsumerGroup('cg')).toBeUndefined();
    expect(await store.getCommittedOffset('cg', 'orders', 0)).toBeUndefined();
    expect((await store.getCommittedOffset('other', 'orders', 0))?.offset).toBe(2);
    await expectRefusal(store.deleteConsumerGroup('cg'), 'not_found');
    await store.ensureConsumerGroup('cg');
    expect((await store.listCommittedOffsets('cg', all)).items).toEqual([]);
  });
}
