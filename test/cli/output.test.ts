// `-o` and `--watch` of the commands that read: the same forms for all of them, and only what has changed for programs.
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { eventually } from '../support/eventually.ts';
import { cannedApi, type CannedRoutes } from './canned-api.ts';
import { Collector, run } from './run-cli.ts';

const topic = { name: 'orders', partitionCount: 2, retentionMs: null, config: { owner: 'billing' } };
const lease = { topic: 'orders', partition: 1, agentId: 'b1', epoch: 7, expiresInMs: 900 };
const agent = { agentId: 'b1', state: 'active', leases: 2, group: 'default', metadata: { rack: 4 } };
const status = { group: 'default', partitions: { total: 2, led: 2, unled: 0 } };

const routes: CannedRoutes = {
  'GET /v1/topics': { body: { topics: [topic] } },
  'GET /v1/topics/orders': { body: topic },
  'GET /v1/topics/orders/partitions': { body: { partitions: [{ partition: 1, leader: 'b1' }] } },
  'GET /v1/leases': { body: { leases: [lease] } },
  'GET /v1/leases/orders/1': { body: lease },
  'GET /v1/leases/orders/1/history': { body: { history: [{ epoch: 7, agentId: 'b1' }] } },
  'GET /v1/agents': { body: { agents: [agent] } },
  'GET /v1/agents/b1': { body: agent },
  'GET /v1/elections': { body: { elections: [{ name: 'job', agentId: 'b1', epoch: 3 }] } },
  'GET /v1/elections/job': { body: { name: 'job', agentId: 'b1', epoch: 3 } },
  'GET /v1/groups': { body: { groups: [{ group: 'billing' }] } },
  'GET /v1/groups/billing': { body: { group: 'billing', offsets: [] } },
  'GET /v1/topics/orders/partitions/1/segments': {
    body: { segments: [{ id: 's1', baseOffset: 0, endOffset: 9 }] },
  },
  'GET /v1/topics/orders/partitions/1/segments/at/5': {
    body: { result: 'found', segment: { id: 's1', baseOffset: 0, endOffset: 9 } },
  },
  'GET /v1/status': { body: status },
  'GET /v1/plan': { body: { moves: [{ topic: 'orders', partition: 1, to: 'b1', reason: 'balance' }] } },
  'GET /v1/rebalance': { body: { paused: false, moving: [{ topic: 'orders', partition: 1 }] } },
  'GET /v1/explain/orders/1': { body: { topic: 'orders', partition: 1, sentences: ['It is led.'] } },
  'GET /health': { body: { checks: [{ name: 'store', ok: true }] } },
};

/** What reads, and the names it answers with. */
const readings: [string, string][] = [
  ['topics list', 'orders'],
  ['topics describe orders', 'orders'],
  ['leases list', 'orders/1'],
  ['leases get orders/1', 'orders/1'],
  ['leases history orders/1', '7'],
  ['agents list', 'b1'],
  ['agents get b1', 'b1'],
  ['elections list', 'job'],
  ['elections get job', 'job'],
  ['groups list', 'billing'],
  ['groups describe billing', 'billing'],
  ['segments list orders/1', 's1'],
  ['segments find orders/1 5', 's1'],
  ['status', 'default'],
  ['health', 'store'],
  ['rebalance plan', 'orders/1'],
  ['rebalance status', 'orders/1'],
  ['explain orders/1', 'orders/1'],
];

describe.each(readings)('%s', (line, name) => {
  const ask = async (...options: string[]) => {
    await using api = await cannedApi(routes);
    return await run([...line.split(' '), ...options], api);
  };

  test('answers with names, JSON, YAML and tables', async () => {
    expect(await ask('-o', 'name')).toEqual({ code: 0, stdout: `${name}\n`, stderr: '' });
    const json = await ask('-o', 'json');
    const yaml = await ask('-o', 'yaml');
    expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
    const [table, wide] = [await ask(), await ask('-o', 'wide')];
    for (const word of table.stdout.split(/\s+/)) expect(wide.stdout).toContain(word);
  });

  test('watches: the first answer is a line of JSON, and no other comes while nothing changes', async () => {
    await using api = await cannedApi(routes);
    const interrupt = new AbortController();
    const running = run([...line.split(' '), '-w', '--interval', '10ms', '-o', 'json'], {
      url: api.url,
      deps: { signal: interrupt.signal },
    });
    const first = api.lines.length;
    await eventually(() => api.lines.length >= first + 6);
    interrupt.abort();
    const { code, stdout, stderr } = await running;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toHaveLength(2);
    JSON.parse(stdout);
  });
});

test('wide adds columns to the table', async () => {
  await using api = await cannedApi(routes);
  const { stdout } = await run(['topics', 'list', '-o', 'wide'], api);
  expect(stdout).toContain('CONFIG');
  expect(stdout).toContain('{"owner":"billing"}');
});

describe('--watch', () => {
  const args = ['leases', 'list', '--watch', '--interval', '10ms'];
  const look = (agentId: string, expiresInMs: number) => ({
    body: { leases: [{ ...lease, agentId, expiresInMs }] },
  });

  test('prints again what has changed; a countdown is no change', async () => {
    const looks = [look('b1', 900), look('b1', 800), look('b2', 1000), look('b2', 700)];
    await using api = await cannedApi({ 'GET /v1/leases': looks });
    const interrupt = new AbortController();
    const running = run([...args, '-o', 'json'], { url: api.url, deps: { signal: interrupt.signal } });
    await eventually(() => api.lines.length >= 6);
    interrupt.abort();
    const { stdout } = await running;
    const agents = stdout.trim().split('\n');
    expect(agents.map((each) => /"agentId":"(\w+)"/.exec(each)?.[1])).toEqual(['b1', 'b2']);
  });

  test('waits for an agent that goes away, and says so once', async () => {
    const gone = { fault: 'cut' } as const;
    await using api = await cannedApi({
      'GET /v1/leases': [look('b1', 900), gone, gone, look('b2', 900)],
    });
    const interrupt = new AbortController();
    const [stdout, stderr] = [new Collector(), new Collector()];
    const running = run(args, { url: api.url, deps: { signal: interrupt.signal, stdout, stderr } });
    await eventually(() => stdout.text.includes('b2'));
    interrupt.abort();
    expect((await running).code).toBe(0);
    expect(stderr.text).toMatch(/^no agent answers at \S+ \(\w+\);[^\n]*; looking again\nanswers again\n$/);
  });

  test('ends with the failure of its first look', async () => {
    expect((await run([...args, '--url', 'http://127.0.0.1:1'])).code).toBe(6);
  });

  test('on a terminal each look is painted over the one before, cut to its size', async () => {
    await using api = await cannedApi({ 'GET /v1/leases': [look('b1', 900), look('b1', 800)] });
    const interrupt = new AbortController();
    const stdout = Object.assign(new Collector(true), { columns: 30, rows: 10 });
    const running = run(args, { url: api.url, isTty: true, deps: { signal: interrupt.signal, stdout } });
    await eventually(() => stdout.text.split('\u001b[2A').length > 2);
    interrupt.abort();
    await running;
    const [first = '', second = ''] = stdout.text.split('\u001b[2A\r');
    expect(first.startsWith('PARTITION   AGENT   ADDRESS  \u001b[K\norders/1 ')).toBe(true);
    expect(second).toContain('orders/1');
  });

  test('a reader that has gone ends it', async () => {
    await using api = await cannedApi({ 'GET /v1/leases': [look('b1', 900)] });
    const stdout = new PassThrough();
    stdout.destroy();
    expect((await run(args, { url: api.url, deps: { stdout } })).code).toBe(0);
  });
});
