// A primary and its standby in one URL, in either order: what is connected finds the primary, and after its death the promoted standby, by
// itself. One pair of servers for the file: the tests follow its life.
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { StoreUnavailable } from '../../../src/domain/refusal.ts';
import { type EmbeddedAgent, startAgent } from '../../../src/embed.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { PostgresConnection } from '../../../src/store/postgres/connection.ts';
import { postgresDialect } from '../../../src/store/postgres/dialect.ts';
import { openPostgresStore, type PostgresOptions } from '../../../src/store/postgres/open.ts';
import { nothing, statement } from '../../../src/store/sql/statement.ts';
import { recordingLogger } from '../../coordination/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import {
  askServer,
  caughtUp,
  promote,
  type ServerPair,
  startServerPair,
} from '../../support/standby-server.ts';

const schema = 'streamhouse';
/** Changes nothing. */
const write = statement(
  'write',
  (d) => sql`update ${d.table('store_info')} set min_compatible = min_compatible`,
  nothing,
);
const standbyMessage = /127\.0\.0\.1:\d+ is a standby \(read-only\): waiting for a primary\. Name all hosts/;

let pair: ServerPair;
let primaryFirst: string;
let standbyFirst: string;
const agents: EmbeddedAgent[] = [];
const logs: Parameters<typeof recordingLogger>[0] = [];

beforeAll(async () => {
  pair = await startServerPair({ major: 16, settings: { fsync: 'off' } });
  const [first, second] = [pair.primary, pair.standby].map(({ port }) => `127.0.0.1:${port}`);
  primaryFirst = `postgres://postgres@${first},${second}/postgres?target_session_attrs=read-write`;
  standbyFirst = `postgres://postgres@${second},${first}/postgres`;
});

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  await pair[Symbol.asyncDispose]();
});

async function open(url: string, options: Partial<PostgresOptions> = {}): Promise<MetadataStore> {
  const store = await openPostgresStore({
    connectionString: url,
    directConnectionString: url,
    applicationName: 'streamhouse test',
    attemptMs: 3_000,
    schema,
    group: 'other',
    poolMax: 2,
    migrate: true,
    ...options,
  });
  onTestFinished(() => store[Symbol.asyncDispose]());
  return store;
}

async function start(agentId: string, databaseUrl: string): Promise<EmbeddedAgent> {
  const logger = recordingLogger(logs);
  const agent = await startAgent({ databaseUrl, agentId, httpPort: 0, sessionTtlMs: 4_000, logger });
  agents.push(agent);
  return agent;
}

const isActive = (agent: EmbeddedAgent): boolean => agent.status().state === 'active';

async function metric(agent: EmbeddedAgent, line: string): Promise<boolean> {
  return (await (await fetch(`${agent.url}/metrics`)).text()).includes(`\n${line}\n`);
}

test('the primary is found in either order; a standby alone is refused, and says what would help', async () => {
  for (const url of [primaryFirst, standbyFirst]) {
    const store = await open(url);
    expect(await store.listTopics({ limit: 1 })).toMatchObject({ items: [] });
    expect(await store.observeSessions()).toMatchObject({ sessions: [] });
  }
  await caughtUp(pair.primary);
  const refused = await open(pair.standby.url, { migrate: false }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(StoreUnavailable);
  expect(String(refused)).toMatch(standbyMessage);
});

test('agents go on with the promoted standby without a restart, signals too; one that waited for it begins', async () => {
  const [a, b] = await Promise.all([start('a', primaryFirst), start('b', standbyFirst)]);
  await eventually(() => isActive(a) && isActive(b));
  const waiting = await start('waiting', pair.standby.url);
  const created = await fetch(`${a.url}/v1/topics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'orders', partitionCount: 4 }),
  });
  expect(created.status).toBe(201);
  const led = (): number => a.held().leases.length + b.held().leases.length;
  await eventually(() => led() === 4);
  expect(JSON.stringify(waiting.status())).toMatch(standbyMessage);
  const weak = (check: string, value: number): string =>
    `streamhouse_store_durability_warnings{check="${check}"} ${value}`;
  expect(await metric(a, weak('replication', 1))).toBe(true);
  expect(await metric(a, weak('logged tables', 0))).toBe(true);

  await caughtUp(pair.primary);
  await pair.primary.kill9();
  await promote(pair.standby);
  await eventually(() => isActive(a) && isActive(b) && isActive(waiting));
  await eventually(() => led() + waiting.held().leases.length === 4);
  for (const agent of [a, b, waiting]) {
    await eventually(() => metric(agent, 'streamhouse_signals_connected 1'));
  }
  // What is true of the new primary is told: nobody stands by there.
  await eventually(() => metric(a, weak('replication', 0)));
  const told = logs.filter(({ message }) => message.includes('less durable'));
  expect(told.map(({ level, fields }) => [level, 'check' in fields && fields.check])).toEqual(
    expect.arrayContaining([
      ['warn', 'fsync'],
      ['warn', 'replication'],
    ]),
  );
  // Once by each agent for each thing.
  expect(told.filter(({ fields }) => 'check' in fields && fields.check === 'fsync')).toHaveLength(3);
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
});

test('a server that becomes read-only while we are connected is left, and asked anew until it is not', async () => {
  const store = await open(standbyFirst);
  const topic = (name: string) =>
    store.createTopic({ name, partitionCount: 1, retentionMs: null, config: {} });
  let lost = 0;
  const connection = new PostgresConnection(postgresDialect(schema), {
    connectionString: standbyFirst,
    applicationName: 'streamhouse test',
    attemptMs: 3_000,
    onLockLost: () => {
      lost += 1;
    },
  });
  onTestFinished(() => connection[Symbol.asyncDispose]());
  const key = await connection.lockKey();
  await topic('before');
  await connection.all(write, {});
  await setReadOnly(true);
  for (const writing of [() => topic('meanwhile'), () => connection.all(write, {})]) {
    await expect(writing()).rejects.toMatchObject({
      name: 'StoreUnavailable',
      outcomeUnknown: false,
      message: expect.stringContaining('takes no writes: cannot execute'),
    });
  }
  // Both have left it. To come back they ask first.
  for (const asking of [() => store.listTopics({ limit: 9 }), () => connection.all(write, {})]) {
    await expect(asking()).rejects.toThrow(/is read-only \(default_transaction_read_only\)/);
  }
  await setReadOnly(false);
  await topic('after');
  const { items } = await store.listTopics({ limit: 9 });
  expect(items.map(({ name }) => name)).toEqual(['after', 'before']);
  const next = await connection.lockKey();
  expect(next).not.toBe(key);
  // The lock that others go by is kept until another one is told.
  expect([await isHeld(key), await isHeld(next), lost]).toEqual([true, true, 0]);
  connection.lockTold(next);
  await eventually(async () => !(await isHeld(key)));
  expect(lost).toBe(0);
});

async function setReadOnly(isReadOnly: boolean): Promise<void> {
  const setting = isReadOnly ? 'on' : 'off';
  await askServer(pair.standby, `alter system set default_transaction_read_only = ${setting}`);
  await askServer(pair.standby, 'select pg_reload_conf()');
  await eventually(async () => {
    const [row] = await askServer<{ now: string }>(
      pair.standby,
      `select current_setting('default_transaction_read_only') as now`,
    );
    return row?.now === setting;
  });
}

async function isHeld(key: number | null): Promise<boolean> {
  const rows = await askServer(
    pair.standby,
    `select from pg_locks where locktype = 'advisory' and objsubid = 1 and (classid::bigint << 32) | objid::bigint = $1`,
    [key],
  );
  return rows.length === 1;
}
