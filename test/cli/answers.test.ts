// Answers that are not what was asked for: refusals, silence, other programs, readers that leave.
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { cannedApi, type CannedAnswer } from './canned-api.ts';
import { run } from './run-cli.ts';

const list = ['topics', 'list'];

describe('a refusal is one line with the facts that help', () => {
  const refusals: [number, Record<string, unknown>, number, string][] = [
    [400, { code: 'invalid', detail: 'name: must be a name' }, 2, 'name: must be a name'],
    [404, { code: 'not_found', detail: 'there is no topic "x".' }, 3, 'there is no topic "x"'],
    [
      409,
      { code: 'fenced', detail: 'epoch 5 is over', currentEpoch: 7 },
      4,
      'epoch 5 is over (current epoch 7)',
    ],
    [
      409,
      { code: 'no_lease', detail: 'not the holder', holder: 'b2', currentEpoch: 7, committed: false },
      4,
      'not the holder (held by b2, current epoch 7)',
    ],
    [409, { code: 'no_lease', detail: 'vacant', holder: null }, 4, 'vacant (held by nobody)'],
    [409, { code: 'fenced', detail: 'over', committed: true }, 4, 'over (already stored)'],
    [409, { code: 'offset_gap', detail: 'a gap', highWatermark: 0 }, 4, 'a gap (high watermark 0)'],
    [409, { code: 'of_a_later_version', detail: 'no' }, 4, 'no'],
    [
      401,
      { code: 'unauthorized', detail: 'a token is needed' },
      1,
      'a token is needed; set STREAMHOUSE_TOKEN to a token of this agent',
    ],
    [403, { code: 'forbidden', detail: 'this token reads only' }, 1, 'this token reads only'],
    [
      429,
      { code: 'rate_limited', detail: 'too many', retryAfterMs: 1500 },
      1,
      'too many (try again in 1.5s)',
    ],
    [500, { code: 'internal', detail: 'a fault', requestId: 'r-1' }, 1, 'a fault (request r-1)'],
    [
      503,
      { code: 'unavailable', detail: 'the store is away', retryAfterMs: 1000 },
      6,
      'the store is away (try again in 1s)',
    ],
    [409, { code: 'conflict', title: 'Conflict' }, 4, 'Conflict'],
    [409, { code: 'conflict' }, 4, 'conflict (409)'],
    [409, { code: 'conflict', detail: 'odd', currentEpoch: 'seven', holder: 7 }, 4, 'odd'],
    [404, { code: 'not_found', detail: 'two\n  lines' }, 3, 'two lines'],
  ];

  test.each(refusals)('%d %j', async (status, problem, code, line) => {
    await using api = await cannedApi({ 'GET /v1/topics': { status, body: problem } });
    expect(await run(list, api)).toEqual({ code, stdout: '', stderr: `error: ${line}\n` });
  });
});

describe('an answer of something that is no agent is told as that', () => {
  const html = '<!doctype html><title>Login</title>';
  const other = 'not as an agent does; is a proxy or another program there? Name an agent with --url';
  const strange: [string, CannedAnswer, number, (url: string) => string][] = [
    ['a page', { body: html }, 1, (url) => `${url} answered 200 with text/html, ${other}`],
    [
      'a page for "not found"',
      { status: 404, body: html },
      1,
      (url) => `${url} answered 404 with text/html, ${other}`,
    ],
    [
      'another API\'s "not found"',
      { status: 404, body: { message: 'Route not found', statusCode: 404 } },
      1,
      (url) => `${url} answered 404 with application/problem+json, ${other}`,
    ],
    [
      'a redirect to a login page',
      { status: 302, headers: { location: 'https://login.example/' } },
      1,
      (url) => `${url} answered 302 with nothing that is JSON, ${other}`,
    ],
    [
      'JSON cut short',
      { type: 'application/json', body: '{"topics": [' },
      1,
      (url) => `${url} answered 200 with application/json, ${other}`,
    ],
    [
      'nothing',
      {},
      1,
      (url) =>
        `${url} answered with JSON that is not an agent's (the answer: Invalid input: expected object, received undefined); is another program there, or an agent of another version?`,
    ],
    [
      'other JSON',
      { body: { topics: 'many' } },
      1,
      (url) =>
        `${url} answered with JSON that is not an agent's (topics: Invalid input: expected array, received string); is another program there, or an agent of another version?`,
    ],
    [
      'JSON with a row of another form',
      { body: { topics: [{ title: 'x' }] } },
      1,
      (url) =>
        `${url} answered with JSON that is not an agent's (name: Invalid input: expected string, received undefined); is another program there, or an agent of another version?`,
    ],
    [
      'a proxy without an agent behind it',
      { status: 502, body: html },
      6,
      (url) =>
        `a proxy answers at ${url} (502), but no agent behind it; start one with "streamhouse agent" or name another with --url`,
    ],
  ];

  test.each(strange)('%s', async (_what, answer, code, line) => {
    await using api = await cannedApi({ 'GET /v1/topics': answer });
    expect(await run(list, api)).toEqual({ code, stdout: '', stderr: `error: ${line(api.url)}\n` });
  });
});

describe('nobody answers', () => {
  test('a closed port', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    expect(await run(list, { url })).toEqual({
      code: 6,
      stdout: '',
      stderr: `error: no agent answers at ${url} (ECONNREFUSED); start one with "streamhouse agent" or name another with --url\n`,
    });
  });

  test('a host that does not exist', async () => {
    const { code, stderr } = await run([...list, '--url', 'http://no-such-host.invalid:7070']);
    expect(code).toBe(6);
    expect(stderr).toMatch(
      /^error: no agent answers at http:\/\/no-such-host\.invalid:7070 \((ENOTFOUND|EAI_AGAIN)\); /,
    );
  });

  test('a connection cut before the answer leaves the outcome of a write open', async () => {
    await using api = await cannedApi({
      'POST /v1/topics': { fault: 'cut' },
      'GET /v1/topics': { fault: 'cut' },
    });
    const write = await run(['topics', 'create', 'x', '--partitions', '1'], api);
    expect(write.code).toBe(6);
    expect(write.stderr).toMatch(
      /it is not known whether the request took effect, the same command may be run again\n$/,
    );
    expect((await run(list, api)).stderr).not.toContain('not known');
  });

  test('HTTPS to a port that speaks HTTP', async () => {
    await using api = await cannedApi({});
    const url = api.url.replace('http:', 'https:');
    const { code, stderr } = await run(list, { url });
    expect(code).toBe(6);
    expect(stderr).toMatch(/^error: what listens at https:\S+ does not speak TLS \(\w+\); try http:\/\/\n$/);
  });

  test.each(['silent', 'stalled'] as const)('a %s answer runs into --timeout', async (fault) => {
    await using api = await cannedApi({
      'GET /v1/topics': { fault, body: {} },
      'POST /v1/topics': { fault, body: {} },
    });
    expect(await run([...list, '--timeout', '50ms'], api)).toEqual({
      code: 5,
      stdout: '',
      stderr: `error: ${api.url} did not answer within 50ms; --timeout waits longer\n`,
    });
    const write = await run(['topics', 'create', 'x', '--partitions', '1', '--timeout', '0.05s'], api);
    expect(write).toEqual({
      code: 5,
      stdout: '',
      stderr: `error: ${api.url} did not answer within 50ms; it is not known whether the request took effect, the same command may be run again\n`,
    });
  });

  test('an interrupt ends a request that waits', async () => {
    await using api = await cannedApi({ 'GET /v1/topics': { fault: 'silent' } });
    const interrupt = new AbortController();
    const running = run(list, { url: api.url, deps: { signal: interrupt.signal } });
    await eventually(() => api.requests.length);
    interrupt.abort();
    expect(await running).toEqual({ code: 130, stdout: '', stderr: 'error: interrupted\n' });
  });
});

describe('output that cannot be written', () => {
  const topics = Array.from({ length: 20_000 }, (_, index) => ({ name: `topic-${index}` }));

  test('a reader that has enough (head) ends the command quietly', async () => {
    await using api = await cannedApi({ 'GET /v1/topics': { body: { topics } } });
    const head = spawn('head', ['-n', '1'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [result, read] = await Promise.all([
      run(list, { url: api.url, deps: { stdout: head.stdin } }),
      text(head.stdout),
      once(head, 'exit'),
    ]);
    expect(read).toMatch(/^TOPIC .*\n$/);
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test.each([
    ['topics', 'list'],
    ['topics', 'list', '-o', 'json'],
    ['--help'],
    ['--version'],
    ['topics', '--help'],
  ])('EPIPE at the first byte: %s %s %s %s', async (...args) => {
    await using api = await cannedApi({ 'GET /v1/topics': { body: { topics } } });
    const given = args.filter((arg) => arg !== undefined);
    const result = await run(given, { url: api.url, deps: { stdout: failing('EPIPE') } });
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('a full disk is an error', async () => {
    await using api = await cannedApi({ 'GET /v1/topics': { body: { topics } } });
    const result = await run(list, { url: api.url, deps: { stdout: failing('ENOSPC') } });
    expect(result).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: the output could not be written: write ENOSPC\n',
    });
    expect((await run(['--help'], { deps: { stdout: failing('ENOSPC') } })).code).toBe(1);
  });

  test('a closed stderr changes no exit code', async () => {
    const { code } = await run(['topics', 'describe', 'a b'], { deps: { stderr: failing('EPIPE') } });
    expect(code).toBe(2);
  });
});

function failing(code: string): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(`write ${code}`), { code })),
  });
}
