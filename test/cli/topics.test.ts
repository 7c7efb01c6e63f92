// The topics commands: what they ask, what they print.
import { describe, expect, test } from 'vitest';
import { cannedApi } from './canned-api.ts';
import { run } from './run-cli.ts';

const orders = {
  name: 'orders',
  partitionCount: 12,
  retentionMs: 604_800_000,
  config: { owner: 'billing' },
  createdAt: '2026-01-02T03:04:05.678Z',
};
const audit = { ...orders, name: 'audit', partitionCount: 3, retentionMs: null, config: {} };

describe('topics list', () => {
  test('aligns its columns, numbers to the right', async () => {
    await using api = await cannedApi({ 'GET /v1/topics': { body: { topics: [audit, orders] } } });
    expect(await run(['topics', 'list'], api)).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'TOPIC    PARTITIONS   RETENTION   CREATED',
        'audit             3   forever     2026-01-02T03:04:05.678Z',
        'orders           12   7d          2026-01-02T03:04:05.678Z',
        '',
      ].join('\n'),
    });
  });

  test('prints the objects of the API as JSON, with fields that it does not know', async () => {
    const body = { topics: [{ ...orders, later: 1 }] };
    await using api = await cannedApi({ 'GET /v1/topics': { body } });
    const { code, stdout, stderr } = await run(['topics', 'list', '-o', 'json'], api);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `${JSON.stringify(body, undefined, 2)}\n`,
      stderr: '',
    });
  });

  const pages = {
    'GET /v1/topics': { body: { topics: [audit], nextCursor: 'YXVkaXQ' } },
    'GET /v1/topics?cursor=YXVkaXQ': { body: { topics: [orders], nextCursor: 'b3JkZXJz' } },
    'GET /v1/topics?cursor=b3JkZXJz': { body: { topics: [{ ...orders, name: 'zoo' }] } },
  };

  test('follows the pages to the end and merges them', async () => {
    await using api = await cannedApi(pages);
    const { stdout } = await run(['topics', 'list', '-o', 'json'], api);
    expect(JSON.parse(stdout)).toEqual({ topics: [audit, orders, { ...orders, name: 'zoo' }] });
    const table = await run(['topics', 'list'], api);
    expect(table.stdout.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'TOPIC',
      'audit',
      'orders',
      'zoo',
      '',
    ]);
  });

  test('stops at --limit, asks for no more than it needs, and leaves the cursor to whoever goes on', async () => {
    await using api = await cannedApi({
      'GET /v1/topics?limit=2': { body: { topics: [audit], nextCursor: 'a' } },
      'GET /v1/topics?cursor=a&limit=1': { body: { topics: [orders], nextCursor: 'b' } },
    });
    const json = await run(['topics', 'list', '--limit', '2', '-o', 'json'], api);
    expect(JSON.parse(json.stdout)).toEqual({ topics: [audit, orders], nextCursor: 'b' });
    const onTerminal = await run(['topics', 'list', '--limit', '2'], { url: api.url, isTty: true });
    expect(onTerminal.stderr).toBe('only the first 2, as --limit says; there are more\n');
    expect((await run(['topics', 'list', '--limit', '2'], api)).stderr).toBe('');
  });

  test('does not follow a list that leads back to itself', async () => {
    await using api = await cannedApi({
      'GET /v1/topics': { body: { topics: [], nextCursor: 'x' } },
      'GET /v1/topics?cursor=x': { body: { topics: [], nextCursor: 'x' } },
    });
    expect(await run(['topics', 'list'], api)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: the list does not end: the agent answered cursor x with itself\n',
    });
  });

  test('keeps its header without rows, and says what to do on a terminal alone', async () => {
    await using api = await cannedApi({ 'GET /v1/topics': { body: { topics: [] } } });
    const header = 'TOPIC   PARTITIONS   RETENTION   CREATED\n';
    expect(await run(['topics', 'list'], api)).toEqual({ code: 0, stdout: header, stderr: '' });
    expect(await run(['topics', 'list'], { url: api.url, isTty: true })).toEqual({
      code: 0,
      stdout: header,
      stderr: 'no topics yet; create one with "streamhouse topics create NAME --partitions N"\n',
    });
  });
});

describe('topics create', () => {
  const created = { 'POST /v1/topics': { status: 201, body: orders } };

  test.each<[string, string[], unknown]>([
    ['the least', [], { name: 'orders', partitionCount: 12 }],
    [
      'everything',
      [
        '--retention-ms',
        '604800000',
        '--config',
        'owner=billing',
        'query=a=b',
        '--config',
        '{"n":1,"owner":"x"}',
      ],
      {
        name: 'orders',
        partitionCount: 12,
        retentionMs: 604_800_000,
        config: { owner: 'x', query: 'a=b', n: 1 },
      },
    ],
    ['an empty value', ['--config', 'a='], { name: 'orders', partitionCount: 12, config: { a: '' } }],
    [
      'values as text, not guessed at',
      ['--config', 'version=1.10', 'on=true'],
      { name: 'orders', partitionCount: 12, config: { version: '1.10', on: 'true' } },
    ],
  ])('sends %s', async (_what, flags, body) => {
    await using api = await cannedApi(created);
    expect(await run(['topics', 'create', 'orders', '--partitions', '12', ...flags], api)).toEqual({
      code: 0,
      stdout: 'created topic orders with 12 partitions\n',
      stderr: '',
    });
    expect(api.requests.map((request) => JSON.parse(request.body))).toEqual([body]);
    expect(api.requests[0]?.headers['content-type']).toBe('application/json');
  });

  test('prints the topic as JSON', async () => {
    await using api = await cannedApi(created);
    const { stdout } = await run(['topics', 'create', 'orders', '--partitions', '12', '-o', 'json'], api);
    expect(JSON.parse(stdout)).toEqual(orders);
  });

  test('reports a topic that is there already as a conflict', async () => {
    const problem = { code: 'already_exists', detail: 'topic "orders" exists already.', status: 409 };
    await using api = await cannedApi({ 'POST /v1/topics': { status: 409, body: problem } });
    expect(await run(['topics', 'create', 'orders', '--partitions', '12'], api)).toEqual({
      code: 4,
      stdout: '',
      stderr: 'error: topic "orders" exists already\n',
    });
  });
});

describe('topics describe', () => {
  const partitions = [
    {
      topic: 'orders',
      partition: 0,
      highWatermark: 1200,
      startOffset: 0,
      leader: 'broker-1',
      epoch: 4_294_967_297,
    },
    { topic: 'orders', partition: 1, highWatermark: 7, startOffset: 3, leader: null, epoch: 0 },
  ];
  const routes = {
    'GET /v1/topics/orders': { body: orders },
    'GET /v1/topics/orders/partitions': { body: { partitions: partitions.slice(0, 1), nextCursor: 'c' } },
    'GET /v1/topics/orders/partitions?cursor=c': { body: { partitions: partitions.slice(1) } },
  };

  test('prints the topic, then its partitions of all pages', async () => {
    await using api = await cannedApi(routes);
    expect(await run(['topics', 'describe', 'orders'], api)).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'Topic:       orders',
        'Partitions:  12',
        'Retention:   7d',
        'Config:      {"owner":"billing"}',
        'Created:     2026-01-02T03:04:05.678Z',
        '',
        'PARTITION   LEADER          EPOCH   HIGH-WATERMARK   START-OFFSET',
        '        0   broker-1   4294967297             1200              0',
        '        1   -                   0                7              3',
        '',
      ].join('\n'),
    });
  });

  test('prints both objects as JSON', async () => {
    await using api = await cannedApi(routes);
    const { stdout } = await run(['topics', 'describe', 'orders', '-o', 'json'], api);
    expect(JSON.parse(stdout)).toEqual({ topic: orders, partitions });
  });

  test('a topic that is not there is exit code 3', async () => {
    const problem = { code: 'not_found', detail: 'there is no topic "orders"' };
    await using api = await cannedApi({ 'GET /v1/topics/orders': { status: 404, body: problem } });
    expect(await run(['topics', 'describe', 'orders'], api)).toEqual({
      code: 3,
      stdout: '',
      stderr: 'error: there is no topic "orders"\n',
    });
  });
});

describe('topics add-partitions', () => {
  test('asks for the new total', async () => {
    const body = { ...orders, partitionCount: 24 };
    await using api = await cannedApi({ 'POST /v1/topics/orders/partitions': { body } });
    const args = ['topics', 'add-partitions', 'orders', '--partitions', '24'];
    expect(await run(args, api)).toEqual({ code: 0, stdout: 'topic orders has 24 partitions\n', stderr: '' });
    expect(api.requests.map((request) => request.body)).toEqual(['{"partitionCount":24}']);
  });
});
