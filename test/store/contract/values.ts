// The contract of values: what is kept is kept exactly, and what cannot be kept is refused, never bent.
import { expect, test } from 'vitest';
import type { Backend } from './backend.ts';
import { agent, all, expectRefusal, join, ledPartition, segment, topic, ttlMs } from './samples.ts';

export function valueContract(backend: Backend): void {
  test('texts are kept exactly, whatever they look like', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    const texts = [
      `'; drop table topics; --`,
      '$1 ? :name',
      '\\u0000',
      '\\\\u0000',
      '"{}"',
      'Zoë 🚀\n\t',
      ' ',
    ];
    const run = texts.map((key, i) => segment(i, i, { id: key, key, bucket: key }));
    await store.appendSegments(fence, 'orders', 0, run);
    expect((await store.listSegments('orders', 0, 0, all)).items).toMatchObject(run);
    for (const metadata of texts) {
      await store.commitOffsets('cg', [{ topic: 'orders', partition: 0, offset: 0, metadata }]);
      expect((await store.getCommittedOffset('cg', 'orders', 0))?.metadata).toBe(metadata);
    }
  });

  test('a text with a NUL is refused, not cut short', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    await expectRefusal(store.ensureConsumerGroup('c\0g'), 'invalid');
    await expectRefusal(
      store.appendSegments(fence, 'orders', 0, [segment(0, 9, { key: 'a\0b' })]),
      'invalid',
    );
    const commit = { topic: 'orders', partition: 0, offset: 0, metadata: '\\\0' };
    await expectRefusal(store.commitOffsets('cg', [commit]), 'invalid');
    expect((await store.listConsumerGroups(all)).items).toEqual([]);
    expect((await store.getPartition('orders', 0))?.highWatermark).toBe(0);
  });

  test('a fraction is refused where an integer belongs, not rounded', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    const sessionId = crypto.randomUUID();
    const session = { sessionId, agent: agent('b', { weight: 1.5 }), ttlMs, process: 'p' };
    await expectRefusal(store.registerSession(session), 'invalid');
    await expectRefusal(store.advanceHighWatermark(fence, 'orders', 0, 1.5), 'invalid');
    await expectRefusal(
      store.appendSegments(fence, 'orders', 0, [segment(0, 9, { sizeBytes: 1.5 })]),
      'invalid',
    );
    expect(await store.getAgent('b')).toBeUndefined();
    expect((await store.getPartition('orders', 0))?.highWatermark).toBe(0);
  });

  test('integers are kept exactly up to 2^53 − 1', async () => {
    const store = await (await backend.database()).store();
    const max = Number.MAX_SAFE_INTEGER;
    await store.createTopic({ ...topic('kept'), retentionMs: max, config: { max } });
    expect(await store.getTopic('kept')).toMatchObject({ retentionMs: max, config: { max } });
    const { fence } = await ledPartition(store);
    const last = segment(max - 2, max - 1, { recordCount: max, sizeBytes: max });
    await store.advanceHighWatermark(fence, 'orders', 0, max - 2);
    const { highWatermark } = await store.appendSegments(fence, 'orders', 0, [last]);
    expect(highWatermark).toBe(max);
    expect(await store.findSegment('orders', 0, max - 1)).toMatchObject({ result: 'found', segment: last });
    await store.commitOffsets('cg', [{ topic: 'orders', partition: 0, offset: max, metadata: null }]);
    expect((await store.getCommittedOffset('cg', 'orders', 0))?.offset).toBe(max);
    await join(store, 'z');
  });
}
