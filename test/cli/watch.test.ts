// `streamhouse watch` against a real server: what it shows, what it leaves out, and how it outlives its agent.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { partitionKey } from '../../src/domain/lease.ts';
import { startHttpServer } from '../../src/http/server.ts';
import {
  epoch1,
  type EventStage,
  eventStage,
  granted,
  session1,
  session2,
  terms,
} from '../http/events-stage.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { cannedApi } from './canned-api.ts';
import { Collector, run } from './run-cli.ts';
import { instrumentsOver } from '../metrics/reading.ts';

let stage: EventStage;
beforeEach(async () => {
  stage = await eventStage();
});
afterEach(async () => stage[Symbol.asyncDispose]());

/** A `watch` that runs until it is interrupted. */
function watch(args: readonly string[] = [], url = stage.server.url) {
  const [stdout, stderr] = [new Collector(), new Collector()];
  const interrupt = new AbortController();
  let attempts = 0;
  const counting: typeof fetch = (...asked) => {
    attempts += 1;
    return fetch(...asked);
  };
  const deps = { stdout, stderr, signal: interrupt.signal, fetch: counting };
  const ended = run(['watch', ...args], { url, deps });
  return {
    attempts: () => attempts,
    /** Lines of stdout, with the time left out. */
    lines: () =>
      stdout.text
        .split('\n')
        .slice(0, -1)
        .map((line) => line.replace(/^\d{4}-\S+Z {2}/, '')),
    stdout,
    stderr,
    async interrupted(): Promise<number> {
      interrupt.abort();
      return (await ended).code;
    },
    code: async () => (await ended).code,
  };
}

test('events are lines for people, until Ctrl-C', async () => {
  stage.agent.hold(terms(1_200));
  const watching = watch();
  await eventually(() => watching.lines().length === 1);
  const orders = { topic: 'orders', partition: 3, epoch: epoch1 };
  stage.agent.happen(
    { type: 'lease.granted', ...orders, highWatermark: 42 },
    { type: 'lease.revoking', ...orders, releasedAtMs: stage.clock.monotonicMs() + 10_000, to: 'agent-2' },
    { type: 'lease.lost', ...orders, reason: 'handoff_timeout' },
    { type: 'session.suspended', reason: 'no \u{1b}[31mproof' },
    { type: 'session.resumed', sessionId: session2 },
    { type: 'election.won', name: 'compactor', candidate: 'job-1', epoch: 7 },
    { type: 'election.lost', name: 'compactor', candidate: 'job-1', epoch: 7, reason: 'expired' },
    { type: 'assignment.changed', generation: 12 },
    { type: 'agent.changed', agentId: 'agent-1', state: 'draining' },
    { type: 'agent.changed', agentId: null, state: null },
  );
  await stage.clock.advance(500);
  await eventually(() => watching.lines().length === 11);
  expect(watching.lines()).toEqual([
    `snapshot            agent-1                   active, 1200 leases, session ${session1}, trusts its session for 7s`,
    'lease.granted       orders/3                  epoch 4294967297, high watermark 42',
    'lease.revoking      orders/3                  epoch 4294967297, to agent-2, within 10s',
    'lease.lost          orders/3                  epoch 4294967297, handoff_timeout',
    'session.suspended   -                         no \\u{1b}[31mproof',
    `session.resumed     -                         session ${session2}`,
    'election.won        compactor                 epoch 7, candidate job-1',
    'election.lost       compactor                 epoch 7, candidate job-1, expired',
    'assignment.changed  -                         generation 12',
    'agent.changed       agent-1                   draining',
    'agent.changed       -                         an agent came, left or changed',
  ]);
  expect(watching.stdout.text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}snapshot/);
  expect(await watching.interrupted()).toBe(0);
  expect(watching.stderr.text).toBe('');
});

test('with -o json every event is a line of JSON, a snapshot in as many as it has parts', async () => {
  stage.agent.hold(terms(1_200));
  const watching = watch(['-o', 'json', '--beats']);
  await eventually(() => watching.lines().length === 2);
  stage.agent.granted(1);
  await eventually(() => watching.lines().length === 3);
  await stage.clock.advance(500);
  await eventually(() => watching.lines().length === 4);
  const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
  const lines: unknown[] = watching.lines().map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    { time, id: null, event: 'snapshot', data: { part: 1, parts: 2 } },
    { time, id: `${session1}:0`, event: 'snapshot', data: { part: 2, parts: 2 } },
    { time, id: `${session1}:1`, event: 'lease.granted', data: { topic: 'orders', partition: 1 } },
    { time, id: null, event: 'beat', data: { trustedForMs: 7_000 } },
  ]);
  expect(await watching.interrupted()).toBe(0);
});

test.each([
  [
    ['--topic', 'bills'],
    ['snapshot 1', 'lease.granted bills'],
  ],
  [
    ['--types', 'lease.granted, beat'],
    ['lease.granted orders', 'lease.granted bills', 'beat'],
  ],
  [['--types', 'lease.lost,lease.granted', '--topic', 'orders'], ['lease.granted orders']],
  [['--beats', '--types', 'closing'], ['closing']],
])('%j shows what was asked for', async (args, expected) => {
  stage.agent.hold([...terms(2), { key: partitionKey('bills', 0), epoch: 1 }]);
  const watching = watch([...args, '-o', 'json']);
  const reader = await stage.readOn();
  // Both are there: what happens now reaches both.
  await eventually(() => stage.lines.filter(({ message }) => message === 'event stream open').length === 2);
  stage.agent.happen(granted(1), granted(2, 'bills'), { type: 'assignment.changed', generation: 1 });
  await eventually(() => reader.numbers.length === 3);
  await stage.clock.advance(500);
  await eventually(() => reader.of('beat').length === 1);
  await stage.server.close();
  await eventually(() => watching.stderr.text.includes('has ended'));
  const shown = watching.lines().map((line) => {
    const { event, data } = JSON.parse(line);
    return [event, data.topic ?? data.leases?.length].filter((part) => part !== undefined).join(' ');
  });
  expect(shown).toEqual(expected);
  expect(await watching.interrupted()).toBe(0);
});

test('--since goes on behind an event, and says so when the agent has forgotten it', async () => {
  stage.agent.granted(3);
  const known = watch(['--since', `${session1}:1`, '-o', 'json']);
  await eventually(() => known.lines().length === 2);
  expect(known.lines().map((line) => JSON.parse(line).id)).toEqual([`${session1}:2`, `${session1}:3`]);
  expect(await known.interrupted()).toBe(0);
  expect(known.stderr.text).toBe('');

  const forgotten = watch(['--since', `${session2}:1`]);
  await eventually(() => forgotten.lines().length === 1);
  expect(forgotten.lines()[0]).toMatch(/^snapshot/);
  expect(forgotten.stderr.text).toBe(
    `the agent does not remember what followed ${session2}:1: what it holds now comes instead\n`,
  );
  expect(await forgotten.interrupted()).toBe(0);
});

test('it outlives its agent: goes on where it was, shows nothing twice, and tells on stderr', async () => {
  const { agent, clock } = stage;
  const port = await freePort();
  const deps = { agent, clock, instruments: instrumentsOver(), log: silent, version: '1' };
  const listen = () => startHttpServer(deps, { host: '127.0.0.1', port, allowedHosts: [] });
  const first = await listen();
  const watching = watch(['--types', 'lease.granted'], first.url);
  const reader = await stage.readOn();
  await eventually(() => clock.sleeping === 2);
  agent.granted(2);
  await eventually(() => watching.lines().length === 2);
  await first.close();
  await eventually(() => watching.stderr.text.includes('no agent answers') && watching.attempts() >= 4);
  agent.granted(2);
  await eventually(() => reader.numbers.length === 4);
  await using second = await listen();
  expect(second.url).toBe(first.url);
  await eventually(() => watching.lines().length === 4);
  agent.granted(1);
  await eventually(() => watching.lines().length === 5);
  expect(watching.lines().map((line) => line.split(/\s+/)[1])).toEqual(
    [1, 2, 3, 4, 5].map((n) => `orders/${n}`),
  );
  expect(watching.stderr.text).toBe(
    [
      `the stream of ${first.url} has ended: the agent is stopping; connecting again`,
      `no agent answers at ${first.url} (ECONNREFUSED); start one with "streamhouse agent" or name another with --url; connecting again`,
      'connected again',
      '',
    ].join('\n'),
  );
  expect(await watching.interrupted()).toBe(0);
});

test('a stream that breaks off without a word is gone on with', async () => {
  const watching = watch(['--types', 'lease.granted']);
  await eventually(() => stage.clock.sleeping === 1);
  stage.agent.granted(1);
  await eventually(() => watching.lines().length === 1);
  const status = stage.agent.status.bind(stage.agent);
  stage.agent.status = () => {
    throw new Error('a fault that cuts the stream');
  };
  await stage.clock.advance(500);
  await eventually(() => watching.stderr.text.includes('broke off; connecting again'));
  stage.agent.status = status;
  stage.agent.granted(1);
  await eventually(() => watching.lines().length === 2);
  expect(watching.stderr.text).toContain('connected again');
  expect(await watching.interrupted()).toBe(0);
});

test('an agent that cannot be reached at first is not waited for', async () => {
  const port = await freePort();
  const { code, stdout, stderr } = await run(['watch'], { url: `http://127.0.0.1:${port}` });
  expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
  expect(stderr).toMatch(/^error: no agent answers at /);
});

test.each([
  ['too many streams', { status: 503, body: { code: 'unavailable', detail: 'taken' } }, 6, /taken/],
  ['a wrong token', { status: 401, body: { code: 'unauthorized', detail: 'who?' } }, 1, /STREAMHOUSE_TOKEN/],
  [
    'an older agent',
    { status: 404, body: { code: 'not_found', detail: 'nothing there' } },
    3,
    /nothing there/,
  ],
  ['another program', { status: 200, body: '<p>hello' }, 1, /not as an agent does/],
  ['a redirect', { status: 302, headers: { location: 'http://localhost/' } }, 1, /answered 302/],
  ['silence', { fault: 'silent' }, 5, /did not answer within 200ms/],
] as const)('%s ends it', async (_what, answer, exitCode, says) => {
  await using api = await cannedApi({ 'GET /v1/events': answer });
  const { code, stderr } = await run(['watch', '--timeout', '200ms'], { url: api.url });
  expect(stderr).toMatch(says);
  expect(code).toBe(exitCode);
});

test('the token is sent, and the deadline is over the beginning of a stream alone', async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    // Behind the deadline: an event that comes late still comes.
    setTimeout(() => response.write('event: closing\ndata: {"reason":"late"}\n\n'), 400);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const [stdout, stderr] = [new Collector(), new Collector()];
  const interrupt = new AbortController();
  const ended = run(['watch', '--timeout', '200ms'], {
    url: `http://127.0.0.1:${port}`,
    env: { STREAMHOUSE_TOKEN: 'secret' },
    deps: { stdout, stderr, signal: interrupt.signal },
  });
  await eventually(() => stdout.text.includes('late'));
  interrupt.abort();
  expect((await ended).code).toBe(0);
  expect({ seen, stderr: stderr.text }).toEqual({ seen: ['Bearer secret'], stderr: '' });
  server.closeAllConnections();
  server.close();
});

test.each([
  [['--types', 'lease.gone'], /lease\.granted/],
  [['--types', ''], /lease\.granted/],
  [['--since', 'yesterday'], /SESSION:NUMBER/],
  [['--topic', 'a/b'], /A-Z/],
])('%j is a usage error', async (args, says) => {
  const { code, stderr } = await run(['watch', ...args], { url: stage.server.url });
  expect(code).toBe(2);
  expect(stderr).toMatch(says);
});

const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };
