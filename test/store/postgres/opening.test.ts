// What opening the store costs its server: where a thousand agents start at once, each connection is a process that it forks.
import { expect, inject, test } from 'vitest';
import { StoreMisconfigured } from '../../../src/domain/refusal.ts';
import type { Finding } from '../../../src/store/finding.ts';
import { openPostgresStore } from '../../../src/store/postgres/open.ts';
import { storeOptions } from '../../coordination/cluster.ts';
import { startProxy } from '../../support/proxy.ts';
import { startRefusingPooler } from '../../support/refusing-pooler.ts';
import { dropSchema, freshSchemaName } from '../../support/schema.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

test('a store whose schema is there is opened with one connection, which goes on as the one that heartbeats', async () => {
  const schema = freshSchemaName();
  await using proxy = await startProxy(Number(new URL(url).port));
  const through = new URL(url);
  through.port = String(proxy.port);
  const seen: { checks: string[]; server: string }[] = [];
  const options = {
    ...storeOptions(through.href, schema),
    onDurability: (findings: readonly Finding[], server: string) => {
      seen.push({ checks: findings.map(({ check }) => check), server });
    },
  };
  try {
    await (await openPostgresStore(options))[Symbol.asyncDispose]();
    const before = proxy.openedCount;
    const store = await openPostgresStore(options);
    expect(proxy.openedCount - before).toBe(1);
    await store.observeSessions();
    expect(proxy.openedCount - before).toBe(1);
    await store.listTopics({ limit: 1 });
    expect(proxy.openedCount - before).toBe(2);
    await store[Symbol.asyncDispose]();
    // Each was told how durable the server is, which is asked on the way.
    const told = {
      checks: expect.arrayContaining(['fsync', 'synchronous_commit']),
      server: `127.0.0.1:${proxy.port}`,
    };
    expect(seen).toEqual([told, told]);
  } finally {
    await dropSchema(url, schema);
  }
});

test('a pooler that turns agents away is named, and how to set it', async () => {
  await using pooler = await startRefusingPooler();
  const behind = new URL(url);
  behind.port = String(pooler.port);
  const opening = openPostgresStore(storeOptions(behind.href, freshSchemaName()));
  await expect(opening).rejects.toThrow(StoreMisconfigured);
  await expect(opening).rejects.toThrow(
    /unsupported startup parameter: options\); PgBouncer: ignore_startup_parameters/,
  );
});
