// A server that takes connections and does not come to them, as one to which a thousand agents come at once: whoever asks hears in time that
// there is no connection yet, and the one that was asked for is waited for, so that the server never works for those who have gone.
import { sql } from 'drizzle-orm';
import { expect, inject, onTestFinished, test } from 'vitest';
import { StoreUnavailable } from '../../../src/domain/refusal.ts';
import { BoundedClient } from '../../../src/store/postgres/client.ts';
import { Connecting } from '../../../src/store/postgres/connecting.ts';
import { PostgresConnection } from '../../../src/store/postgres/connection.ts';
import { PostgresDatabase } from '../../../src/store/postgres/database.ts';
import { postgresDialect } from '../../../src/store/postgres/dialect.ts';
import { openPostgresStore } from '../../../src/store/postgres/open.ts';
import { Servers } from '../../../src/store/postgres/servers.ts';
import { readNumber } from '../../../src/store/sql/read.ts';
import { statement } from '../../../src/store/sql/statement.ts';
import { storeOptions } from '../../coordination/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { type FaultProxy, startProxy } from '../../support/proxy.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

const attemptMs = 250;
const dialect = postgresDialect('streamhouse');
const one = statement(
  'select_one',
  () => sql`select 1 as one`,
  (row) => readNumber(row, 'one'),
);

async function crowded(): Promise<{ proxy: FaultProxy; options: ReturnType<typeof storeOptions> }> {
  const proxy = await startProxy(Number(new URL(url).port));
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  proxy.mode = 'blackhole';
  const through = new URL(url);
  through.port = String(proxy.port);
  return { proxy, options: storeOptions(through.href, 'streamhouse', attemptMs) };
}

/** Asks until an answer comes; each that does not come is said to be late. */
async function answerOf(ask: () => Promise<number[]>): Promise<number[]> {
  return eventually(async () => {
    try {
      return await ask();
    } catch (error) {
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect(String(error)).toMatch(/gave no (connection|answer) within/);
      return false;
    }
  });
}

/** Asks in vain until so many connections were asked for: the last is waited for eight times as long as the first, at least. */
async function askInVain(proxy: FaultProxy, ask: () => Promise<number[]>): Promise<void> {
  await eventually(async () => {
    await expect(ask()).rejects.toThrow(/gave no (connection|answer) within/);
    return proxy.openedCount >= 4;
  });
}

test('the coordination connection that was asked for is the one that comes', async () => {
  const { proxy, options } = await crowded();
  const connection = new PostgresConnection(dialect, options);
  onTestFinished(() => connection[Symbol.asyncDispose]());
  const ask = (): Promise<number[]> => connection.all(one, {});
  await askInVain(proxy, ask);
  proxy.mode = 'pass';
  expect(await answerOf(ask)).toEqual([1]);
  expect(proxy.openedCount).toBe(4);
});

test('a pool asks for one connection at a time, and whoever asks next has it', async () => {
  const { proxy, options } = await crowded();
  const db = new PostgresDatabase(dialect, options);
  onTestFinished(() => db[Symbol.asyncDispose]());
  await askInVain(proxy, () => db.all(one, {}));
  const { openedCount } = proxy;
  const asked = Array.from({ length: 10 }, () => db.all(one, {}));
  for (const each of await Promise.allSettled(asked)) {
    expect(each).toMatchObject({ reason: { message: expect.stringContaining('gave no connection within') } });
  }
  proxy.mode = 'pass';
  expect(await answerOf(() => db.all(one, {}))).toEqual([1]);
  expect(proxy.openedCount).toBe(openedCount);
  // Nobody else comes now: what is asked at once is done at once.
  await Promise.all(Array.from({ length: 10 }, () => db.all(one, {})));
  expect(proxy.openedCount).toBe(openedCount + options.poolMax - 1);
});

test('a host that is not reached tells nothing of a crowd', async () => {
  const { options } = await crowded();
  const servers = new Servers(options);
  const [server] = servers.all;
  if (server === undefined) throw new Error('no server');
  // It never connects.
  const client = new BoundedClient({ connectionString: url });
  using connecting = new Connecting(client, { servers, server, boundMs: 20 });
  await eventually(() => client.isOver);
  expect(servers.isCrowded).toBe(false);
  expect(String(connecting.reason(new Error('cut')))).toContain('was not reached within 20 ms');
});

test('to open the store is given up at once when the agent stops', async () => {
  const { options } = await crowded();
  const servers = new Servers(options);
  // As after attempts in vain: longer than this test may take.
  for (let ms = 1_000; ms < 20_000; ms *= 2) servers.wasSilent(ms);
  const stop = new AbortController();
  const opening = openPostgresStore({ ...options, servers, stop: stop.signal });
  setImmediate(() => stop.abort());
  await expect(opening).rejects.toThrow('is not asked any more');
});
