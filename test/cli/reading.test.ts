// The commands that look: agents, leases, segments, groups, status, health, as tables and as JSON.
import { describe, expect, test } from 'vitest';
import { cannedApi, type CannedRoutes } from './canned-api.ts';
import { run } from './run-cli.ts';

const broker1 = {
  agentId: 'broker-1',
  address: '10.0.0.1:9092',
  zone: 'eu-1a',
  group: 'default',
  state: 'active',
  placement: 'open',
  weight: 1,
  lastHeartbeatAt: '2026-01-02T03:04:05.678Z',
  expiresInMs: 7499,
  leases: 12,
  metadata: { rack: 'r1' },
};
const broker2 = {
  ...broker1,
  agentId: 'broker-2',
  state: 'dead',
  placement: 'cordoned',
  leases: 0,
  expiresInMs: null,
  lastHeartbeatAt: null,
};
const held = {
  topic: 'orders',
  partition: 3,
  agentId: 'broker-1',
  address: '10.0.0.1:9092',
  epoch: 4_294_967_298,
  acquiredAt: '2026-01-02T03:04:05.678Z',
  expiresInMs: 900,
};
const vacant = {
  ...held,
  partition: 4,
  agentId: null,
  address: null,
  epoch: 7,
  acquiredAt: null,
  expiresInMs: null,
};
const term = { epoch: 8, agentId: 'broker-2', from: '2026-01-02T03:04:06.000Z', to: null, reason: null };
const past = {
  epoch: 7,
  agentId: 'broker-1',
  from: '2026-01-02T03:04:05.678Z',
  to: '2026-01-02T03:04:05.999Z',
  reason: 'released',
};
const segment = {
  topic: 'orders',
  partition: 3,
  id: 's-1',
  epoch: 7,
  baseOffset: 0,
  endOffset: 99,
  recordCount: 100,
  sizeBytes: 4096,
  bucket: 'data',
  key: 'orders/3/7/0',
  createdAt: '2026-01-02T03:04:05.678Z',
};
const offset = {
  group: 'billing',
  topic: 'orders',
  partition: 3,
  offset: 100,
  metadata: null,
  committedAt: '2026-01-02T03:04:05.678Z',
};
const group = { group: 'billing', createdAt: '2026-01-01T00:00:00.000Z' };
const status = {
  group: 'default',
  version: '0.1.0',
  backend: 'postgres',
  era: { number: 1, since: '2026-01-01T00:00:00.000Z', quarantineRestMs: 0 },
  coordinator: { agentId: 'broker-1', epoch: 4_294_967_297, since: '2026-01-01T00:00:01.000Z' },
  agents: { total: 4, active: 2, cordoned: 0, broker_down: 0, draining: 1, expired: 0, dead: 1 },
  topics: 2,
  partitions: { total: 15, led: 14, unled: 1 },
  agent: { agentId: 'broker-1', state: 'active', trustedForMs: 7499, leases: 12 },
};
const segmentsOf3 = '/v1/topics/orders/partitions/3/segments';

const readings: { args: string; routes: CannedRoutes; json: unknown; table: string[] }[] = [
  {
    args: 'agents list',
    routes: { 'GET /v1/agents': { body: { agents: [broker1, broker2] } } },
    json: { agents: [broker1, broker2] },
    table: [
      'AGENT      STATE    PLACEMENT   LEASES   WEIGHT   ZONE    ADDRESS         EXPIRES-IN',
      'broker-1   active   open            12        1   eu-1a   10.0.0.1:9092       7.499s',
      'broker-2   dead     cordoned         0        1   eu-1a   10.0.0.1:9092            -',
    ],
  },
  {
    args: 'agents get broker-1',
    routes: { 'GET /v1/agents/broker-1': { body: broker1 } },
    json: broker1,
    table: [
      'Agent:           broker-1',
      'Group:           default',
      'State:           active',
      'Placement:       open',
      'Leases:          12',
      'Weight:          1',
      'Zone:            eu-1a',
      'Address:         10.0.0.1:9092',
      'Last heartbeat:  2026-01-02T03:04:05.678Z',
      'Expires in:      7.499s',
      'Metadata:        {"rack":"r1"}',
    ],
  },
  {
    args: 'leases list --topic orders --agent broker-1',
    routes: { 'GET /v1/leases?topic=orders&agent=broker-1': { body: { leases: [held] } } },
    json: { leases: [held] },
    table: [
      'PARTITION   AGENT      ADDRESS              EPOCH   EXPIRES-IN   ACQUIRED',
      'orders/3    broker-1   10.0.0.1:9092   4294967298        900ms   2026-01-02T03:04:05.678Z',
    ],
  },
  {
    args: 'leases list --unleased',
    routes: { 'GET /v1/leases?unleased=true': { body: { leases: [vacant] } } },
    json: { leases: [vacant] },
    table: [
      'PARTITION   AGENT   ADDRESS   EPOCH   EXPIRES-IN   ACQUIRED',
      'orders/4    -       -             7            -   -',
    ],
  },
  {
    args: 'leases get orders/3',
    routes: { 'GET /v1/leases/orders/3': { body: held } },
    json: held,
    table: [
      'Partition:   orders/3',
      'Agent:       broker-1',
      'Address:     10.0.0.1:9092',
      'Epoch:       4294967298',
      'Acquired:    2026-01-02T03:04:05.678Z',
      'Expires in:  900ms',
    ],
  },
  {
    args: 'leases get orders/4',
    routes: { 'GET /v1/leases/orders/4': { body: vacant } },
    json: vacant,
    table: [
      'Partition:   orders/4',
      'Agent:       nobody',
      'Address:     -',
      'Epoch:       7',
      'Acquired:    -',
      'Expires in:  -',
    ],
  },
  {
    args: 'leases history orders/3',
    routes: {
      'GET /v1/leases/orders/3/history': { body: { topic: 'orders', partition: 3, history: [term, past] } },
    },
    json: { topic: 'orders', partition: 3, history: [term, past] },
    table: [
      'EPOCH   AGENT      FROM                       TO                         REASON',
      '    8   broker-2   2026-01-02T03:04:06.000Z   -                          -',
      '    7   broker-1   2026-01-02T03:04:05.678Z   2026-01-02T03:04:05.999Z   released',
    ],
  },
  {
    args: 'leases history orders/3 --limit 1',
    routes: {
      'GET /v1/leases/orders/3/history?limit=1': { body: { topic: 'orders', partition: 3, history: [term] } },
    },
    json: { topic: 'orders', partition: 3, history: [term] },
    table: [
      'EPOCH   AGENT      FROM                       TO   REASON',
      '    8   broker-2   2026-01-02T03:04:06.000Z   -    -',
    ],
  },
  {
    args: 'segments list orders/3 --from 50',
    routes: { [`GET ${segmentsOf3}?from=50`]: { body: { segments: [segment] } } },
    json: { segments: [segment] },
    table: [
      'BASE-OFFSET   END-OFFSET   RECORDS   BYTES   EPOCH   ID    BUCKET   KEY',
      '          0           99       100    4096       7   s-1   data     orders/3/7/0',
    ],
  },
  {
    args: 'segments find orders/3 50',
    routes: { [`GET ${segmentsOf3}/at/50`]: { body: { result: 'found', segment } } },
    json: { result: 'found', segment },
    table: [
      'Result:       found',
      'Segment:      s-1',
      'Base offset:  0',
      'End offset:   99',
      'Records:      100',
      'Bytes:        4096',
      'Epoch:        7',
      'Bucket:       data',
      'Key:          orders/3/7/0',
      'Created:      2026-01-02T03:04:05.678Z',
    ],
  },
  {
    args: 'segments find orders/3 150',
    routes: { [`GET ${segmentsOf3}/at/150`]: { body: { result: 'gap', next: 200 } } },
    json: { result: 'gap', next: 200 },
    table: ['Result:       in a gap', 'Next offset:  200'],
  },
  {
    args: 'segments find orders/3 0',
    routes: { [`GET ${segmentsOf3}/at/0`]: { body: { result: 'before_start', startOffset: 10 } } },
    json: { result: 'before_start', startOffset: 10 },
    table: ['Result:        before the start', 'Start offset:  10'],
  },
  {
    args: 'segments find orders/3 9007199254740991',
    routes: {
      [`GET ${segmentsOf3}/at/9007199254740991`]: { body: { result: 'at_end', highWatermark: 300 } },
    },
    json: { result: 'at_end', highWatermark: 300 },
    table: ['Result:          at or behind the end', 'High watermark:  300'],
  },
  {
    args: 'groups list',
    routes: { 'GET /v1/groups': { body: { groups: [group] } } },
    json: { groups: [group] },
    table: ['GROUP     CREATED', 'billing   2026-01-01T00:00:00.000Z'],
  },
  {
    args: 'groups describe billing',
    routes: {
      'GET /v1/groups/billing': { body: { ...group, offsets: [offset], nextCursor: 'c' } },
      'GET /v1/groups/billing?cursor=c': {
        body: { ...group, offsets: [{ ...offset, partition: 10, metadata: 'm' }] },
      },
    },
    json: { ...group, offsets: [offset, { ...offset, partition: 10, metadata: 'm' }] },
    table: [
      'Group:    billing',
      'Created:  2026-01-01T00:00:00.000Z',
      '',
      'PARTITION   OFFSET   COMMITTED                  METADATA',
      'orders/3       100   2026-01-02T03:04:05.678Z   -',
      'orders/10      100   2026-01-02T03:04:05.678Z   m',
    ],
  },
  {
    args: 'status',
    routes: { 'GET /v1/status': { body: status } },
    json: status,
    table: [
      'Group:        default',
      'Backend:      postgres',
      'Era:          1 (since 2026-01-01T00:00:00.000Z)',
      'Coordinator:  broker-1 (epoch 4294967297, since 2026-01-01T00:00:01.000Z)',
      'Agents:       2 active, 1 draining, 0 expired, 1 dead',
      'Topics:       2',
      'Partitions:   15 in all, 14 led, 1 not led',
      'Asked agent:  broker-1 (active, 12 leases, trusts its session for 7.499s)',
    ],
  },
];

test('a quarantine is told with the era that it belongs to', async () => {
  const era = { ...status.era, number: 2, quarantineRestMs: 4_250 };
  await using api = await cannedApi({ 'GET /v1/status': { body: { ...status, era } } });
  expect((await run(['status'], api)).stdout).toContain(
    'Era:          2 (since 2026-01-01T00:00:00.000Z; quarantine, 4.25s left: leases go only to agents that trusted them)\n',
  );
});

describe.each(readings)('$args', ({ args, routes, json, table }) => {
  test('as a table', async () => {
    await using api = await cannedApi(routes);
    expect(await run(args.split(' '), api)).toEqual({ code: 0, stdout: `${table.join('\n')}\n`, stderr: '' });
  });

  test('as JSON', async () => {
    await using api = await cannedApi(routes);
    expect(await run([...args.split(' '), '-o', 'json'], api)).toEqual({
      code: 0,
      stdout: `${JSON.stringify(json, undefined, 2)}\n`,
      stderr: '',
    });
  });
});

test('a group is known by its name as well', async () => {
  const body = { groups: [{ name: 'billing', createdAt: group.createdAt }] };
  await using api = await cannedApi({ 'GET /v1/groups': { body } });
  expect((await run(['groups', 'list'], api)).stdout).toBe(
    'GROUP     CREATED\nbilling   2026-01-01T00:00:00.000Z\n',
  );
});

test('an agent that says less than this program knows is shown with what it says', async () => {
  await using api = await cannedApi({ 'GET /v1/status': { body: { group: 'default', coordinator: null } } });
  expect((await run(['status'], api)).stdout).toBe(
    [
      'Group:        default',
      'Backend:      -',
      'Era:          -',
      'Coordinator:  nobody',
      'Agents:       -',
      'Topics:       -',
      'Partitions:   -',
      'Asked agent:  -',
      '',
    ].join('\n'),
  );
});

test('what an agent says cannot move the cursor of a terminal', async () => {
  const body = { agents: [{ ...broker1, address: 'x\u001B[2J\nfake \u202Erow' }] };
  await using api = await cannedApi({ 'GET /v1/agents': { body } });
  const { stdout } = await run(['agents', 'list'], { url: api.url, isTty: true });
  expect(stdout).toContain('x\\u{1b}[2J\\u{a}fake \\u{202e}row');
  expect(stdout.split('\n')).toHaveLength(3);
});

describe('groups commit', () => {
  const put = 'PUT /v1/groups/billing/offsets/orders/3';

  test.each<[string[], unknown]>([
    [[], { offset: 100 }],
    [['--metadata', 'replay of May'], { offset: 100, metadata: 'replay of May' }],
  ])('sends the offset %j', async (flags, body) => {
    await using api = await cannedApi({ [put]: { body: offset } });
    expect(await run(['groups', 'commit', 'billing', 'orders/3', '100', ...flags], api)).toEqual({
      code: 0,
      stdout: 'committed offset 100 of orders/3 for group billing\n',
      stderr: '',
    });
    expect(api.requests.map((request) => JSON.parse(request.body))).toEqual([body]);
  });

  test('beyond the high watermark is a conflict that names it', async () => {
    const problem = {
      code: 'conflict',
      detail: 'offset 101 lies beyond the end of orders/3',
      highWatermark: 100,
    };
    await using api = await cannedApi({ [put]: { status: 409, body: problem } });
    expect(await run(['groups', 'commit', 'billing', 'orders/3', '101'], api)).toEqual({
      code: 4,
      stdout: '',
      stderr: 'error: offset 101 lies beyond the end of orders/3 (high watermark 100)\n',
    });
  });
});

describe('health', () => {
  const ok = { name: 'session', ok: true, detail: 'trusted for 7499 ms' };
  const failed = { name: 'store', ok: false, detail: 'no answer for 12 s' };

  test('is 0 when every check passes', async () => {
    await using api = await cannedApi({ 'GET /health': { body: { status: 'ok', checks: [ok] } } });
    expect(await run(['health'], api)).toEqual({
      code: 0,
      stdout: 'CHECK     STATE   DETAIL\nsession   ok      trusted for 7499 ms\n',
      stderr: '',
    });
  });

  test('is 10 when one fails, with all of them shown', async () => {
    const body = { status: 'unhealthy', checks: [ok, failed] };
    await using api = await cannedApi({ 'GET /health': { status: 503, type: 'application/json', body } });
    expect(await run(['health'], api)).toEqual({
      code: 10,
      stdout:
        'CHECK     STATE    DETAIL\nsession   ok       trusted for 7499 ms\nstore     FAILED   no answer for 12 s\n',
      stderr: 'error: the agent is not ready: store\n',
    });
    const json = await run(['health', '-o', 'json'], api);
    expect(json.code).toBe(10);
    expect(JSON.parse(json.stdout)).toEqual(body);
  });

  test.each([
    ['the status alone says so', 503, [ok], ''],
    ['a check alone says so', 200, [failed], ': store'],
  ])('is 10 when %s', async (_what, status, checks, which) => {
    await using api = await cannedApi({ 'GET /health': { status, body: { checks } } });
    expect(await run(['health'], api)).toMatchObject({
      code: 10,
      stderr: `error: the agent is not ready${which}\n`,
    });
  });

  test('is 6 when nobody reports at all', async () => {
    await using api = await cannedApi({
      'GET /health': { status: 503, body: '<h1>Service Unavailable</h1>' },
    });
    expect((await run(['health'], api)).code).toBe(6);
  });
});
