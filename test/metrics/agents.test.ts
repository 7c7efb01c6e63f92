// What two real agents on a real PostgreSQL show while a partition is handed over, the coordinator resigns and an agent falls silent:
// every figure comes from what happened, and is gone when that is over.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { type EmbeddedAgent, startAgent } from '../../src/embed.ts';
import { eventually } from '../support/eventually.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';
import { seriesIn } from './reading.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url: databaseUrl } = target;
const schema = freshSchemaName();
const ttlMs = 2_000;

interface Member {
  readonly agent: EmbeddedAgent;
  readonly proxy: FaultProxy;
}

const members: Member[] = [];
const brokerLeaves = new AbortController();

async function join(agentId: string): Promise<Member> {
  const proxy = await startProxy(Number(new URL(databaseUrl).port));
  const through = new URL(databaseUrl);
  through.port = String(proxy.port);
  const agent = await startAgent({
    databaseUrl: through.href,
    databaseSchema: schema,
    agentId,
    agentAddress: `${agentId}:9092`,
    httpPort: 0,
    sessionTtlMs: ttlMs,
    databasePoolMax: 3,
    metricsPerPartition: true,
  });
  const member = { agent, proxy };
  members.push(member);
  return member;
}

const scrape = async ({ agent }: Member): Promise<string> => (await fetch(`${agent.url}/metrics`)).text();

const of = (exposition: string, name: string) => seriesIn(exposition, `streamhouse_${name}`);

/** Scrapes until it shows what is waited for. */
async function scraped(member: Member, what: string, isSo: (text: string) => boolean): Promise<string> {
  return eventually(
    async () => {
      const text = await scrape(member);
      return isSo(text) && text;
    },
    { what, everyMs: 50 },
  );
}

async function post({ agent }: Member, path: string, body?: object): Promise<void> {
  const answer = await fetch(`${agent.url}${path}`, {
    method: 'POST',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}

const held = z.object({
  leases: z.array(
    z.object({
      topic: z.string(),
      partition: z.number(),
      epoch: z.number(),
      revoking: z.looseObject({}).nullish(),
    }),
  ),
});

/** As the broker beside it: it is done with all that it was asked for. */
async function acknowledgeAll(member: Member): Promise<void> {
  const { leases } = held.parse(await (await fetch(`${member.agent.url}/v1/held`)).json());
  await post(member, '/v1/held/released', {
    leases: leases
      .filter(({ revoking }) => revoking)
      .map(({ topic, partition, epoch }) => ({ topic, partition, epoch })),
  });
}

const leads = (count: number) => (text: string) => of(text, 'leases_held')[''] === count;
/** Waited for beside what follows from a plan: what a scrape shows of the plan and of the leases is not of one moment. */
const plansFor = (agents: number) => (text: string) =>
  Object.keys(of(text, 'agent_partitions')).length === agents;
const isSettled = (text: string): boolean =>
  of(text, 'moves_planned')['{group="default",state="under_way"}'] === 0 &&
  of(text, 'moves_planned')['{group="default",state="waiting"}'] === 0;

const coordinatorOnly = [
  'agents',
  'partitions',
  'paused',
  'moves_planned',
  'agent_partitions',
  'agent_share',
  'assignment_generation',
];

let alone = '';
let asked = '';
let handedOver = '';
let paused = '';
let resigned = { before: '', after: '' };
let silent = '';
let tookOver = '';

beforeAll(async () => {
  const a = await join('a');
  await scraped(a, 'a to coordinate', (text) => of(text, 'coordinator')['{group="default"}'] === 1);
  await post(a, '/v1/topics', { name: 'orders', partitionCount: 4 });
  alone = await scraped(
    a,
    'a to lead everything',
    (text) => leads(4)(text) && isSettled(text) && plansFor(1)(text),
  );

  const stream = await fetch(`${a.agent.url}/v1/events?attach=broker`, { signal: brokerLeaves.signal });
  void stream.text().catch(() => undefined); // a stream that nobody reads is ended by the garbage collector
  const b = await join('b');
  const isAsked = (text: string): boolean =>
    of(text, 'lease_handoffs')[''] === 2 &&
    of(text, 'moves_planned')['{group="default",state="under_way"}'] === 2;
  asked = await scraped(a, 'the broker to be asked', (text) => isAsked(text) && plansFor(2)(text));
  await acknowledgeAll(a);
  await scraped(b, 'b to lead its half', leads(2));
  handedOver = await scraped(a, 'the move to be over', isSettled);
  await post(a, '/v1/pause');
  paused = await scraped(a, 'the pause', (text) => of(text, 'paused')['{group="default"}'] === 1);
  await post(a, '/v1/resume');

  await post(a, '/v1/elections/coordinator/resign');
  const after = await scraped(b, 'b to have planned', (text) => 'agent_partitions' in shownOf(text));
  resigned = { before: after, after: await scrape(a) };
  b.proxy.mode = 'blackhole';
  tookOver = await scraped(
    a,
    'a to lead everything again',
    (text) => leads(4)(text) && isSettled(text) && plansFor(1)(text),
  );
  silent = await scraped(b, 'b to miss its store', (text) => of(text, 'store_up')[''] === 0);
}, 60_000);

afterAll(async () => {
  brokerLeaves.abort();
  for (const { proxy } of members) {
    proxy.mode = 'pass';
    proxy.cutAll();
  }
  await Promise.all(members.map(({ agent }) => agent.stop().catch(() => undefined)));
  await Promise.all(members.map(({ proxy }) => proxy.close()));
  await dropSchema(databaseUrl, schema);
});

/** What only a coordinator shows, as far as it is there. */
function shownOf(text: string): Record<string, Record<string, number>> {
  const all = coordinatorOnly.map((name): [string, Record<string, number>] => [name, of(text, name)]);
  return Object.fromEntries(all.filter(([, series]) => Object.keys(series).length > 0));
}

describe('an agent alone', () => {
  test('coordinates, leads everything, and shows the plan and each lease', () => {
    expect(shownOf(alone)).toMatchObject({
      agents: { '{group="default",state="active"}': 1 },
      partitions: { '{group="default",state="led"}': 4, '{group="default",state="unled"}': 0 },
      paused: { '{group="default"}': 0 },
      agent_partitions: { '{group="default",agent_id="a"}': 4 },
      agent_share: { '{group="default",agent_id="a"}': 4 },
    });
    expect(Object.keys(of(alone, 'lease_epoch'))).toEqual(
      [0, 1, 2, 3].map((partition) => `{topic="orders",partition="${partition}"}`),
    );
    expect(of(alone, 'lease_series_omitted')).toEqual({ '': 0 });
    expect(of(alone, 'session_ttl_seconds')).toEqual({ '': 2 });
    const limit = of(alone, 'session_trust_limit_seconds')[''] ?? 0;
    expect(limit).toBeLessThan(2);
    expect(of(alone, 'session_trusted_seconds')['']).toBeLessThanOrEqual(limit);
  });

  test('reaches its store, through a pool that is shown', () => {
    expect(of(alone, 'store_up')).toEqual({ '': 1 });
    expect(of(alone, 'store_connections_max')).toEqual({ '{pool="queries"}': 3 });
    expect(of(alone, 'store_connections_waiting')).toEqual({ '{pool="queries"}': 0 });
    const connections = of(alone, 'store_connections');
    expect(Object.keys(connections)).toEqual([
      '{pool="queries",state="busy"}',
      '{pool="queries",state="idle"}',
    ]);
    expect(Object.values(connections).reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
  });

  test('counts who asks it, by the pattern of the route', () => {
    expect(of(alone, 'http_requests_total')).toMatchObject({
      '{method="POST",route="/v1/topics",status="2xx"}': 1,
    });
    expect(of(alone, 'http_request_duration_seconds_count')).toMatchObject({ '{route="/v1/topics"}': 1 });
  });

  test('knows of no broker', () => {
    expect(of(alone, 'broker_state')).toMatchObject({ '{state="none"}': 1, '{state="attached"}': 0 });
    expect(of(alone, 'event_streams')).toEqual({ '{kind="broker"}': 0, '{kind="reader"}': 0 });
  });
});

describe('a handoff', () => {
  test('is under way while the broker has not acknowledged', () => {
    expect(of(asked, 'moves_planned')).toMatchObject({ '{group="default",state="under_way"}': 2 });
    expect(of(asked, 'agent_partitions')).toEqual({
      '{group="default",agent_id="a"}': 2,
      '{group="default",agent_id="b"}': 2,
    });
    expect(of(asked, 'broker_state')).toMatchObject({ '{state="none"}': 0, '{state="attached"}': 1 });
    expect(of(asked, 'event_streams')).toEqual({ '{kind="broker"}': 1, '{kind="reader"}': 0 });
    expect(of(asked, 'handoff_duration_seconds_count')).toMatchObject({ '{result="acknowledged"}': 0 });
  });

  test('is counted and timed when it is over, and what was given up is shown no more', () => {
    expect(of(handedOver, 'lease_handoffs')).toEqual({ '': 0 });
    expect(of(handedOver, 'handoff_duration_seconds_count')).toEqual({
      '{result="acknowledged"}': 2,
      '{result="timed_out"}': 0,
    });
    expect(of(handedOver, 'handoff_duration_seconds_sum')['{result="acknowledged"}']).toBeGreaterThan(0);
    expect(Object.keys(of(handedOver, 'lease_epoch'))).toHaveLength(2);
  });
});

test('a pause is shown', () => {
  expect(of(paused, 'paused')).toEqual({ '{group="default"}': 1 });
});

test('who coordinates no longer shows nothing of the group; its successor does', () => {
  expect(Object.keys(shownOf(resigned.before))).toEqual(coordinatorOnly);
  expect(of(resigned.before, 'coordinator')).toEqual({ '{group="default"}': 1 });
  expect(shownOf(resigned.after)).toEqual({});
  expect(of(resigned.after, 'coordinator')).toEqual({ '{group="default"}': 0 });
});

describe('an agent that falls silent', () => {
  test('is gone from what its successor shows, and the takeover is timed from its last heartbeat', () => {
    expect(of(tookOver, 'agent_partitions')).toEqual({ '{group="default",agent_id="a"}': 4 });
    expect(of(tookOver, 'agent_share')).toEqual({ '{group="default",agent_id="a"}': 4 });
    expect(of(tookOver, 'failover_duration_seconds_count')['{cause="reaped"}']).toBeGreaterThanOrEqual(2);
    const { '{cause="reaped"}': sum = 0 } = of(tookOver, 'failover_duration_seconds_sum');
    const { '{cause="reaped"}': count = 1 } = of(tookOver, 'failover_duration_seconds_count');
    expect(sum / count).toBeGreaterThan(ttlMs / 1_000);
  });

  test('answers a scrape all the same, with what it knows by itself', () => {
    expect(of(silent, 'agent_state')).toMatchObject({ '{state="suspended"}': 1 });
    expect(of(silent, 'coordinator')).toEqual({ '{group="default"}': 0 });
    expect(shownOf(silent)).toEqual({});
    expect(of(silent, 'lease_epoch')).toEqual({});
  });
});
