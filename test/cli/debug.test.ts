// `debug bundle`: what is in it, what is not, and what it does when something is missing.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { Redaction } from '../../src/cli/bundle/redact.ts';
import { tarOf } from '../../src/cli/bundle/tar.ts';
import { cannedApi, type CannedRoutes } from './canned-api.ts';
import { run } from './run-cli.ts';

const directory = mkdtempSync(join(tmpdir(), 'streamhouse-debug-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const token = 'tok-0123456789';
const agent = { agentId: 'b1', metadata: { rack: 'r1', dbPassword: 'pw-1', nested: { apiKey: ['pw-2'] } } };
const topic = { name: 'orders', config: { source: 'postgres://me:pw-3@db/x', note: `Bearer ${token}` } };
const routes: CannedRoutes = {
  'GET /v1/status': { body: { group: 'default' } },
  'GET /v1/agent': { body: { agentId: 'b1' } },
  'GET /v1/held': { body: { leases: [] } },
  'GET /v1/agents': { body: { agents: [agent], nextCursor: 'x' } },
  'GET /v1/agents?cursor=x': { body: { agents: [{ agentId: 'b2' }] } },
  'GET /v1/topics': { body: { topics: [topic] } },
  'GET /v1/leases': { body: { leases: [] } },
  'GET /v1/elections': { body: { elections: [] } },
  'GET /v1/rebalance': { status: 404, body: { code: 'not_found', title: 'no such route' } },
  'GET /v1/plan': { fault: 'cut' },
  'GET /health': {
    status: 503,
    body: { checks: [{ name: 'store', ok: false, detail: 'at x://u:pw-4@db' }] },
  },
  'GET /metrics': { type: 'text/plain', body: 'streamhouse_leases_held 3\n' },
  'GET /openapi.json': { body: { openapi: '3.1.0', info: { version: '0.1.0' }, paths: {} } },
};

/** Files of an archive by their name, read by the tar of the system. */
function unpack(file: string): Record<string, string> {
  const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).trim().split('\n');
  return Object.fromEntries(
    names.map((name) => [
      name.slice(name.indexOf('/') + 1),
      execFileSync('tar', ['-xzOf', file, name], { encoding: 'utf8' }),
    ]),
  );
}

describe('debug bundle', () => {
  test('holds what the agent says, lists what could not be had, and ends with 0', async () => {
    await using api = await cannedApi(routes);
    const file = join(directory, 'a.tar.gz');
    const env = { STREAMHOUSE_TOKEN: token };
    const { code, stdout, stderr } = await run(['debug', 'bundle', file], { url: api.url, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '2 of 12 parts could not be had\n' });
    expect(stdout).toMatch(/rebalance.json +- +\d+ms +no such route\n/);
    expect(stdout).toMatch(/\nwrote .*a\.tar\.gz\n$/);
    const files = unpack(file);
    expect(Object.keys(files).toSorted()).toEqual([
      'agent.json',
      'agents.json',
      'collected.json',
      'elections.json',
      'health.json',
      'held.json',
      'leases.json',
      'metrics.txt',
      'openapi-version.json',
      'status.json',
      'topics.json',
    ]);
    expect(JSON.parse(files['agents.json'] ?? '')).toMatchObject({
      agents: [{ agentId: 'b1' }, { agentId: 'b2' }],
    });
    expect(files['metrics.txt']).toBe('streamhouse_leases_held 3\n');
    expect(JSON.parse(files['openapi-version.json'] ?? '')).toEqual({
      openapi: '3.1.0',
      info: { version: '0.1.0' },
    });
    const collected: unknown = JSON.parse(files['collected.json'] ?? '');
    expect(collected).toMatchObject({
      url: api.url,
      parts: expect.arrayContaining([
        expect.objectContaining({ part: 'status.json', failure: null }),
        expect.objectContaining({ part: 'rebalance.json', failure: 'no such route' }),
      ]) as unknown,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('holds no secret, wherever it stood', async () => {
    await using api = await cannedApi(routes);
    const file = join(directory, 'b.tar.gz');
    await run(['debug', 'bundle', file], { url: api.url, env: { STREAMHOUSE_TOKEN: token } });
    const all = gunzipSync(readFileSync(file)).toString();
    for (const secret of ['pw-1', 'pw-2', 'pw-3', 'pw-4', token]) expect(all).not.toContain(secret);
    expect(all).toContain('"rack": "r1"');
    expect(all).toContain('postgres://[redacted]@db/x');
  });

  test('writes over nothing', async () => {
    await using api = await cannedApi(routes);
    const file = join(directory, 'mine');
    writeFileSync(file, 'mine');
    const { code, stderr } = await run(['debug', 'bundle', file], api);
    expect(code).toBe(4);
    expect(stderr).toContain('is there already, and is not written over; name another file');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test('is not made where no agent answers, or where it cannot be written', async () => {
    const file = join(directory, 'nobody.tar.gz');
    expect((await run(['debug', 'bundle', file, '--url', 'http://127.0.0.1:1'])).code).toBe(6);
    expect(() => statSync(file)).toThrow('ENOENT');
    await using api = await cannedApi(routes);
    const { code, stderr } = await run(['debug', 'bundle', join(directory, 'no', 'such')], api);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: the bundle could not be written: ENOENT/);
  });
});

test.each([
  [
    'postgres://me:pw@h1:5432,h2:5432/db?sslmode=require',
    'postgres://[redacted]@h1:5432,h2:5432/db?sslmode=require',
  ],
  ['host=x password=pw user=y', 'host=x password=[redacted] user=y'],
  ['http://h/?token=pw&x=1', 'http://h/?token=[redacted]&x=1'],
  ['authorization: Bearer abcdef123', 'authorization: Bearer [redacted]'],
  ['broker-1@rack', 'broker-1@rack'],
])('%j leaves as %j', (text, left) => {
  expect(new Redaction([]).text(text)).toBe(left);
});

test('an archive is one for the tar of the system, whatever the length of its files', () => {
  const sizes = [0, 1, 511, 512, 513, 100_000];
  const file = join(directory, 'sizes.tar');
  const entries = sizes.map((size) => ({ name: `d/${size}`, content: Buffer.alloc(size, 'x') }));
  writeFileSync(file, tarOf(entries, 1_700_000_000_000));
  for (const size of sizes) {
    expect(execFileSync('tar', ['-xOf', file, `d/${size}`])).toHaveLength(size);
  }
});
