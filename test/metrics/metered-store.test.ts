// The store as it is watched: every answer timed and counted by result, every refused epoch counted, nothing changed.
import { describe, expect, test } from 'vitest';
import { Refusal, type RefusalCode, StoreUnavailable } from '../../src/domain/refusal.ts';
import { meteredStore } from '../../src/metrics/metered-store.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { instrumentsOver, series } from './reading.ts';

const fence = { sessionId: 'session-1', epoch: 7 };

/** A store of what a test calls, and what is counted about it. */
function metered(operations: Partial<MetadataStore>) {
  const bare = { backend: 'sqlite', async [Symbol.asyncDispose]() {}, ...operations };
  const instruments = instrumentsOver();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing but the given operations is called
  const store = meteredStore(bare as unknown as MetadataStore, instruments);
  const read = (name: string) => series(instruments, `streamhouse_${name}`);
  return {
    store,
    operations: () => read('store_operation_duration_seconds_count'),
    fenced: () => read('fenced_writes_total'),
    up: () => read('store_up'),
  };
}

function refusing(code: RefusalCode): () => Promise<never> {
  return async () => {
    throw new Refusal(code, 'no');
  };
}

describe('an operation is counted', () => {
  test('as ok when it answers', async () => {
    const { store, operations } = metered({ ping: async () => undefined });
    await store.ping();
    await store.ping();
    expect(await operations()).toEqual({ '{operation="ping",result="ok"}': 2 });
  });

  test('as refused when the store says no', async () => {
    const { store, operations } = metered({ getTopic: refusing('not_found') });
    await expect(store.getTopic('orders')).rejects.toThrow('no');
    expect(await operations()).toEqual({ '{operation="getTopic",result="refused"}': 1 });
  });

  test.each([
    ['the store is silent', new StoreUnavailable('silent', { outcomeUnknown: true })],
    ['something is broken', new TypeError('boom')],
  ])('as failed when %s', async (_when, error) => {
    const { store, operations } = metered({ ping: () => Promise.reject(error) });
    await expect(store.ping()).rejects.toBe(error);
    expect(await operations()).toEqual({ '{operation="ping",result="failed"}': 1 });
  });

  test('as failed when it throws before it promises', async () => {
    const { store, operations } = metered({
      ping() {
        throw new TypeError('boom');
      },
    });
    await expect(store.ping()).rejects.toThrow('boom');
    expect(await operations()).toEqual({ '{operation="ping",result="failed"}': 1 });
  });

  test('when it is over, not when it begins', async () => {
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { store, operations } = metered({ ping: () => answered });
    const asked = store.ping();
    expect(await operations()).toEqual({});
    answer();
    await asked;
    expect(await operations()).toEqual({ '{operation="ping",result="ok"}': 1 });
  });
});

test('the store is up when the last operation was answered, a refusal included; a fault of ours says nothing', async () => {
  let next: Error | undefined;
  const { store, up } = metered({ ping: () => (next ? Promise.reject(next) : Promise.resolve()) });
  const after = async (failure: Error | undefined) => {
    next = failure;
    await Promise.allSettled([store.ping()]);
    return up();
  };
  expect(await up()).toEqual({ '': 0 });
  expect(await after(undefined)).toEqual({ '': 1 });
  expect(await after(new StoreUnavailable('silent', { outcomeUnknown: true }))).toEqual({ '': 0 });
  expect(await after(new TypeError('boom'))).toEqual({ '': 0 });
  expect(await after(new Refusal('not_found', 'no'))).toEqual({ '': 1 });
  expect(await after(new TypeError('boom'))).toEqual({ '': 1 });
});

describe('a fenced write is counted by its operation', () => {
  const append = (store: MetadataStore) => store.appendSegments(fence, 'orders', 0, []);
  const advance = (store: MetadataStore) => store.advanceHighWatermark(fence, 'orders', 0, 1);
  const assign = (store: MetadataStore) => store.writeAssignment(fence, []);

  test.each([
    { what: 'an append', code: 'fenced', call: append, counts: { append: 1, high_watermark: 0 } },
    { what: 'a high watermark', code: 'fenced', call: advance, counts: { append: 0, high_watermark: 1 } },
    {
      what: 'no append that lacks a lease',
      code: 'no_lease',
      call: append,
      counts: { append: 0, high_watermark: 0 },
    },
    {
      what: 'no append with a gap',
      code: 'offset_gap',
      call: append,
      counts: { append: 0, high_watermark: 0 },
    },
    { what: 'no assignment', code: 'fenced', call: assign, counts: { append: 0, high_watermark: 0 } },
  ] as const)('$what', async ({ code, call, counts }) => {
    const refuse = refusing(code);
    const { store, fenced } = metered({
      appendSegments: refuse,
      advanceHighWatermark: refuse,
      writeAssignment: refuse,
    });
    await expect(call(store)).rejects.toMatchObject({ code });
    expect(await fenced()).toEqual({
      '{operation="append"}': counts.append,
      '{operation="high_watermark"}': counts.high_watermark,
    });
  });
});

describe('a store is unchanged by being watched', () => {
  test('in its answers and in what it is asked', async () => {
    const asked: unknown[] = [];
    const topic = {
      name: 'orders',
      partitionCount: 3,
      retentionMs: null,
      config: {},
      createdAt: new Date(0),
    };
    const { store } = metered({
      getTopic: async (...args) => {
        asked.push(args);
        return topic;
      },
    });
    expect(await store.getTopic('orders')).toBe(topic);
    expect(asked).toEqual([['orders']]);
  });

  test('in its refusals, facts included', async () => {
    const refusal = new Refusal('fenced', 'no', { currentEpoch: 9 });
    const { store } = metered({ appendSegments: () => Promise.reject(refusal) });
    await expect(store.appendSegments(fence, 'orders', 0, [])).rejects.toBe(refusal);
  });

  test('in its backend, and in being closed', async () => {
    let closed = 0;
    const { store } = metered({
      async [Symbol.asyncDispose]() {
        closed += 1;
      },
    });
    expect(store.backend).toBe('sqlite');
    await store[Symbol.asyncDispose]();
    expect(closed).toBe(1);
  });
});
