// A store that says nothing while a busy broker goes on asking: what waits is bounded in number, and each in time; the rest is
// refused at once. (Events are bounded by their journal, event streams by their number.)
import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { StoreUnavailable } from '../../../src/domain/refusal.ts';
import { openPostgresStore } from '../../../src/store/postgres/open.ts';
import { waitingMax } from '../../../src/store/postgres/pools.ts';
import { storeOptions } from '../../coordination/cluster.ts';
import { turn } from '../../coordination/manual-clock.ts';
import { startProxy } from '../../support/proxy.ts';
import { dropSchema, freshSchemaName } from '../../support/schema.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

const poolMax = 4;
const beyond = 200;

test('what waits for a store that is away is bounded; what is beyond is refused at once, having changed nothing', async () => {
  const schema = freshSchemaName();
  await using proxy = await startProxy(Number(new URL(url).port));
  const through = new URL(url);
  through.port = String(proxy.port);
  const store = await openPostgresStore({ ...storeOptions(through.href, schema, 500), poolMax });
  try {
    proxy.mode = 'blackhole';
    const segment = { id: randomUUID(), baseOffset: 0, endOffset: 9, recordCount: 10, sizeBytes: 1_000 };
    const fence = { sessionId: randomUUID(), epoch: 1 };
    /** How many are refused of more than may wait, all asked in one turn. */
    const refusedOf = async (ask: () => Promise<unknown>, look: () => void): Promise<number> => {
      const failures: unknown[] = [];
      const answers = Array.from({ length: poolMax + waitingMax + beyond }, () =>
        ask().catch((error: unknown) => failures.push(error)),
      );
      await turn();
      look();
      await Promise.all(answers);
      expect(failures).toHaveLength(answers.length);
      expect(failures.every((failure) => failure instanceof StoreUnavailable)).toBe(true);
      expect(store.pools[0]).toMatchObject({ waiting: 0 });
      return failures.filter((failure) => String(failure).includes('wait for PostgreSQL already')).length;
    };
    const list = () => store.listTopics({ limit: 10 });
    const refused = await refusedOf(list, () => {
      expect(store.pools[0]).toMatchObject({ busy: poolMax, waiting: waitingMax });
    });
    expect(refused).toBe(beyond);
    // Appends and commits wait for a request that they can join, each in a line of its own.
    const append = () => store.appendSegments(fence, 'orders', 0, [{ ...segment, bucket: 'b', key: 'k' }]);
    expect(await refusedOf(append, () => undefined)).toBe(poolMax + beyond);
    const commit = () =>
      store.commitOffsets('g', [{ topic: 'orders', partition: 0, offset: 1, metadata: null }]);
    expect(await refusedOf(commit, () => undefined)).toBe(poolMax + beyond);

    proxy.mode = 'pass';
    expect(await store.listTopics({ limit: 10 })).toMatchObject({ items: [] });
  } finally {
    proxy.mode = 'pass';
    await store[Symbol.asyncDispose]();
    await dropSchema(url, schema);
  }
});
