// A primary and its standby in one URL, in either order: what is connected finds the primary, and after its death the promoted standby, by
// itself. One pair of servers for the file: the tests follow its life.
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { StoreUnavailable } from '../../../src/domain/refusal.ts';
import { type EmbeddedAgent, startAgent } from '../../../src/embed.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { openPostgresStore, type PostgresOptions } from '../../../src/store/postgres/open.ts';
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
  let lost = 0;
  const onConnectionLost = (): void => void (lost += 1);
  const store = await open(standbyFirst, { onConnectionLost });
  const topic = (name: string) => store.createTopic({ name, partitionCount: 1, config: {} });
  const key = await store.lockKey();
  await topic('before');
  await setReadOnly(true);
  const failed = await eventually(async () => topic('meanwhile').catch((error: unknown) => error));
  expect(failed).toMatchObject({ name: 'StoreUnavailable', outcomeUnknown: false });
  // Now nothing is connected, and every attempt asks first.
  const asked = [topic('meanwhile'), store.observeSessions()].map((each) =>
    each.catch((error: unknown) => String(error)),
  );
  for (const answer of await Promise.all(asked)) {
    expect(answer).toMatch(/is read-only \(default_transaction_read_only\)/);
  }
  await setReadOnly(false);
  await eventually(() => topic('after').catch(() => undefined));
  await eventually(() => store.observeSessions().catch(() => undefined));
  // The lock that others go by was kept until another one is told.
  expect(lost).toBe(0);
  expect(await isHeld(key)).toBe(true);
  const next = await store.lockKey();
  expect(next).not.toBe(key);
  expect((await store.listTopics({ limit: 9 })).items.map(({ name }) => name)).toEqual([
    'after',
    'before',
    'orders',
  ]);
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
