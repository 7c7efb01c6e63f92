// The contract of high watermarks, of finding and listing segments, and of retention.
import { expect, test } from 'vitest';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Fence } from '../../../src/store/segments.ts';
import type { Backend } from './backend.ts';
import { all, expectRefusal, join, ledPartition, segment, topic } from './samples.ts';

/** Segments 0–9 and 10–19, then nothing until 30, 30–39, and the high watermark at 45. */
async function withGaps(store: MetadataStore): Promise<Fence> {
  const { fence } = await ledPartition(store);
  await store.appendSegments(fence, 'orders', 0, [segment(0, 9), segment(10, 19)]);
  await store.advanceHighWatermark(fence, 'orders', 0, 30);
  await store.appendSegments(fence, 'orders', 0, [segment(30, 39)]);
  await store.advanceHighWatermark(fence, 'orders', 0, 45);
  return fence;
}

export function highWatermarkContract(backend: Backend): void {
  test('the high watermark advances, stays, and never goes back', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    const advance = (offset: number) => store.advanceHighWatermark(fence, 'orders', 0, offset);
    const at100 = { topic: 'orders', partition: 0, highWatermark: 100, startOffset: 0 };
    expect(await advance(100)).toEqual(at100);
    expect(await advance(100)).toEqual(at100);
    await expectRefusal(advance(99), 'conflict', { highWatermark: 100 });
    expect(await store.getPartition('orders', 0)).toEqual(at100);
  });

  test('only the term that holds the partition advances it', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    const advance = (as: Fence) => store.advanceHighWatermark(as, 'orders', 0, 5);
    await expectRefusal(advance({ ...fence, epoch: fence.epoch - 1 }), 'fenced', {
      currentEpoch: fence.epoch,
    });
    await expectRefusal(advance({ ...fence, sessionId: await join(store, 'b') }), 'no_lease', {
      holder: 'a',
    });
    await store.endSession(fence.sessionId, 'deregistered');
    await expectRefusal(advance(fence), 'no_lease', { holder: null });
    await expectRefusal(store.advanceHighWatermark(fence, 'other', 0, 5), 'not_found');
    expect((await store.getPartition('orders', 0))?.highWatermark).toBe(0);
  });

  test('an offset up to 2^53 − 1 is kept exactly, a larger one is refused', async () => {
    const store = await (await backend.database()).store();
    const { fence } = await ledPartition(store);
    const max = Number.MAX_SAFE_INTEGER;
    expect((await store.advanceHighWatermark(fence, 'orders', 0, max)).highWatermark).toBe(max);
    expect((await store.getPartition('orders', 0))?.highWatermark).toBe(max);
    await expect(store.advanceHighWatermark(fence, 'orders', 0, max + 1)).rejects.toThrow(/2\^53|check/);
    expect((await store.getPartition('orders', 0))?.highWatermark).toBe(max);
  });
}

export function findSegmentContract(backend: Backend): void {
  test('an offset lies in a segment, in a gap, before the start or at the end', async () => {
    const store = await (await backend.database()).store();
    await withGaps(store);
    await store.deleteSegmentsBefore('orders', 0, 10, 100);
    const find = (offset: number) => store.findSegment('orders', 0, offset);
    expect(await find(0)).toEqual({ result: 'before_start', startOffset: 10 });
    expect(await find(9)).toEqual({ result: 'before_start', startOffset: 10 });
    for (const offset of [10, 15, 19]) {
      expect(await find(offset)).toMatchObject({ result: 'found', segment: segment(10, 19) });
    }
    for (const offset of [20, 29]) expect(await find(offset)).toEqual({ result: 'gap', next: 30 });
    expect(await find(30)).toMatchObject({ result: 'found', segment: { id: 's30', topic: 'orders' } });
    for (const offset of [40, 44]) expect(await find(offset)).toEqual({ result: 'gap', next: 45 });
    for (const offset of [45, 1_000]) {
      expect(await find(offset)).toEqual({ result: 'at_end', highWatermark: 45 });
    }
  });

  test('every offset of an empty partition is at the end', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders'));
    expect(await store.findSegment('orders', 0, 0)).toEqual({ result: 'at_end', highWatermark: 0 });
    await expectRefusal(store.findSegment('orders', 1, 0), 'not_found');
    await expectRefusal(store.findSegment('other', 0, 0), 'not_found');
  });

  test('segments are listed from the one that holds the offset asked for, or the next', async () => {
    const store = await (await backend.database()).store();
    await withGaps(store);
    const from = async (offset: number) =>
      (await store.listSegments('orders', 0, offset, all)).items.map(({ id }) => id);
    expect(await from(0)).toEqual(['s0', 's10', 's30']);
    expect(await from(9)).toEqual(['s0', 's10', 's30']);
    expect(await from(10)).toEqual(['s10', 's30']);
    expect(await from(20)).toEqual(['s30']);
    expect(await from(39)).toEqual(['s30']);
    expect(await from(40)).toEqual([]);
    await expectRefusal(store.listSegments('orders', 1, 0, all), 'not_found');
  });
}

export function readLogContract(backend: Backend): void {
  test('a part of the log begins with the last segment that begins at or before the offset, and knows whether more follow', async () => {
    const store = await (await backend.database()).store();
    await withGaps(store);
    const read = async (from: number, limit: number) => {
      const { segments, isWhole } = await store.readLog('orders', 0, from, limit);
      return [segments.map(({ id }) => id), isWhole];
    };
    expect(await store.readLog('orders', 0, 0, 10)).toMatchObject({
      startOffset: 0,
      highWatermark: 45,
      segments: [segment(0, 9), segment(10, 19), segment(30, 39)],
      isWhole: true,
    });
    expect(await read(0, 2)).toEqual([['s0', 's10'], false]);
    expect(await read(15, 2)).toEqual([['s10', 's30'], false]);
    expect(await read(25, 3)).toEqual([['s10', 's30'], true]);
    expect(await read(44, 3)).toEqual([['s30'], true]);
    expect(await read(45, 3)).toEqual([[], true]);
    await store.deleteSegmentsBefore('orders', 0, 20, 10);
    expect(await store.readLog('orders', 0, 0, 10)).toMatchObject({
      startOffset: 20,
      segments: [segment(30, 39)],
    });
  });

  test('a topic that is created anew has another log', async () => {
    const store = await (await backend.database()).store();
    const read = async () => (await store.readLog('orders', 0, 0, 10)).topicId;
    await expectRefusal(read(), 'not_found');
    await store.createTopic(topic('orders'));
    await expectRefusal(store.readLog('orders', 1, 0, 10), 'not_found');
    const seen = [await read()];
    for (let i = 0; i < 2; i += 1) {
      await store.deleteTopic('orders');
      await store.createTopic(topic('orders'));
      seen.push(await read());
    }
    expect(new Set(seen).size).toBe(3);
  });
}

export function retentionContract(backend: Backend): void {
  test('whole segments that end before the offset are removed, the high watermark stays', async () => {
    const store = await (await backend.database()).store();
    await withGaps(store);
    const nothing = await store.deleteSegmentsBefore('orders', 0, 9, 100);
    expect(nothing).toEqual({ removed: [], more: false });
    const { removed, more } = await store.deleteSegmentsBefore('orders', 0, 35, 100);
    expect(removed).toMatchObject([
      { ...segment(0, 9), topic: 'orders', partition: 0 },
      { ...segment(10, 19), topic: 'orders', partition: 0 },
    ]);
    expect(more).toBe(false);
    expect(await store.getPartition('orders', 0)).toMatchObject({ startOffset: 20, highWatermark: 45 });
    expect((await store.listSegments('orders', 0, 0, all)).items.map(({ id }) => id)).toEqual(['s30']);
  });

  test('at most the limit is removed, the oldest first, and more is announced', async () => {
    const store = await (await backend.database()).store();
    await withGaps(store);
    const first = await store.deleteSegmentsBefore('orders', 0, 1_000, 2);
    expect([first.removed.map(({ id }) => id), first.more]).toEqual([['s0', 's10'], true]);
    expect((await store.getPartition('orders', 0))?.startOffset).toBe(20);
    const second = await store.deleteSegmentsBefore('orders', 0, 1_000, 2);
    expect([second.removed.map(({ id }) => id), second.more]).toEqual([['s30'], false]);
    expect(await store.getPartition('orders', 0)).toMatchObject({ startOffset: 40, highWatermark: 45 });
  });

  test('removing goes on where writing went on, and an unknown partition is not found', async () => {
    const store = await (await backend.database()).store();
    const fence = await withGaps(store);
    await store.deleteSegmentsBefore('orders', 0, 1_000, 100);
    await store.appendSegments(fence, 'orders', 0, [segment(45, 49)]);
    expect(await store.findSegment('orders', 0, 45)).toMatchObject({ result: 'found' });
    await store.deleteSegmentsBefore('orders', 0, 50, 100);
    expect(await store.getPartition('orders', 0)).toMatchObject({ startOffset: 50, highWatermark: 50 });
    await expectRefusal(store.deleteSegmentsBefore('orders', 1, 0, 1), 'not_found');
  });
}
