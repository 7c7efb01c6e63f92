// Tokens: who may read, who may change, and what those without a valid one are told.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import { fastify } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Authentication, demandTokens } from '../../src/http/authentication.ts';
import { refuseForeignOrigins } from '../../src/http/guards.ts';
import { answerErrors } from '../../src/http/problem-answers.ts';
import { type Answer, type Fixture, startFixture } from './fixture.ts';
import { allRoutes, isChange, isStream } from './routes.ts';
import { instrumentsOver } from '../metrics/reading.ts';

const full = `full-${randomBytes(16).toString('hex')}`;
const read = `read-${randomBytes(16).toString('hex')}`;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const openPaths = ['/livez', '/readyz', '/health', '/metrics'];
const routes = await allRoutes();

const clock = { nowMs: 0, monotonicMs: () => clock.nowMs };
const authLines: unknown[] = [];
const log = { info: (fields: object, message: string) => void authLines.push({ ...fields, message }) };
const authentication = new Authentication({ clock, log }, { full, read });

let http: Fixture;
beforeAll(async () => {
  http = await startFixture({ http: { authentication } });
  await http.store.createTopic({ name: 'orders', partitionCount: 2, retentionMs: null, config: {} });
});
afterAll(async () => http[Symbol.asyncDispose]());
// Every test begins in a window of its own.
beforeEach(() => {
  clock.nowMs += 60_000;
});

const problemForm = z.looseObject({ instance: z.string(), requestId: z.string() });

/** What the caller learns, without what differs from request to request. */
function told({ status, headers, body }: Answer): unknown {
  const { instance: _, requestId: __, ...problem } = problemForm.parse(body);
  return { status, problem, authenticate: headers.get('www-authenticate') };
}

describe('without a valid token', () => {
  const invalid: Record<string, Record<string, string>> = {
    'no header': {},
    'another token': bearer('0123456789abcdef0123456789abcdef'),
    'the beginning of one': bearer(full.slice(0, -1)),
    'one with something behind it': bearer(`${full}0`),
    'one in other letters': bearer(full.toUpperCase()),
    'both at once': bearer(`${full},${read}`),
    'another scheme': { authorization: `Basic ${Buffer.from(`user:${full}`).toString('base64')}` },
    'no scheme': { authorization: full },
    'no token behind the scheme': { authorization: 'Bearer' },
  };

  test.each(Object.entries(invalid))('%s is 401 without a hint of what was wrong', async (_what, headers) => {
    const answer = await http.ask('GET', '/v1/agent', undefined, headers);
    expect(told(answer)).toEqual({
      status: 401,
      authenticate: 'Bearer',
      problem: {
        type: 'about:blank',
        title: 'Unauthorized',
        status: 401,
        code: 'unauthorized',
        detail: 'a valid token is needed here, as Authorization: Bearer TOKEN',
      },
    });
  });

  test.each(routes)(
    '$method $pattern answers 401, or is one of the open ones',
    async ({ method, path, pattern }) => {
      clock.nowMs += 60_000;
      const answer = await http.ask(method, path);
      const isOpen = openPaths.includes(pattern) || pattern === '/openapi.json';
      if (isOpen) expect(answer.status).toBe(200);
      else expect(answer.status).toBe(401);
    },
  );

  test.each(openPaths)('%s is open', async (path) => {
    expect((await http.ask('GET', path)).status).toBe(200);
    expect((await http.ask('GET', path, undefined, bearer('wrong'))).status).toBe(200);
    expect((await http.ask('DELETE', path)).status).toBe(401);
  });

  test('nobody learns which paths there are', async () => {
    expect(told(await http.ask('GET', '/v1/nothing'))).toEqual(told(await http.ask('GET', '/v1/agent')));
    expect((await http.ask('GET', '/v1/nothing', undefined, bearer(full))).status).toBe(404);
  });

  test('it is decided before the body is read', async () => {
    const socket = connect(http.server.port, '127.0.0.1');
    socket.write(
      'POST /v1/topics HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{',
    );
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 401 /);
    socket.destroy();
  });
});

describe('the token for everything', () => {
  test('may read and change', async () => {
    expect((await http.ask('GET', '/v1/agent', undefined, bearer(full))).status).toBe(200);
    const topic = { name: 'made', partitionCount: 1 };
    expect((await http.ask('POST', '/v1/topics', topic, bearer(full))).status).toBe(201);
    expect((await http.ask('DELETE', '/v1/topics/made', undefined, bearer(full))).status).toBe(204);
  });

  test.each(['bearer', 'BEARER', 'Bearer '])(
    'is taken from the scheme %s, as HTTP wants it',
    async (scheme) => {
      const headers = { authorization: `${scheme} ${full} ` };
      expect((await http.ask('GET', '/v1/agent', undefined, headers)).status).toBe(200);
    },
  );
});

describe('the token for reading', () => {
  test.each(routes.filter((route) => !isChange(route) && !isStream(route)))(
    'may $method $pattern',
    async ({ method, path }) => {
      const { status } = await http.ask(method, path, undefined, bearer(read));
      expect([200, 404]).toContain(status);
    },
  );

  test.each(routes.filter(isChange))(
    'may not $method $pattern, and changes nothing',
    async ({ method, path }) => {
      const before = await http.contents();
      for (const body of [undefined, {}]) {
        const answer = await http.ask(method, path, body, bearer(read));
        expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      }
      expect(await http.contents()).toEqual(before);
      expect(http.agent.announced).toEqual(expect.not.arrayContaining(['session', 'membership']));
    },
  );
});

describe('attaching a broker', () => {
  const app = fastify();
  answerErrors(app, { debug: () => undefined, info: () => undefined, error: () => undefined });
  refuseForeignOrigins(app);
  demandTokens(app, authentication, instrumentsOver());
  app.get('/v1/events', async () => 'events');
  afterAll(async () => app.close());
  const ask = async (query: string, headers: Record<string, string>) =>
    (await app.inject({ url: `/v1/events${query}`, headers: { host: 'localhost', ...headers } })).statusCode;

  test.each([
    '?attach=broker',
    '?stream=x&attach=broker',
    '?%61ttach=broker',
    '?attach=broker&attach=x',
    '?attach',
  ])('%s needs the token for everything', async (query) => {
    expect(await ask(query, bearer(read))).toBe(403);
    expect(await ask(query, {})).toBe(401);
    expect(await ask(query, bearer(full))).toBe(200);
  });

  test('is what no page of another origin may do, though it is a GET', async () => {
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      expect(await ask('?attach=broker', { ...bearer(full), ...headers })).toBe(403);
      expect(await ask('', { ...bearer(full), ...headers })).toBe(200);
    }
  });

  test('is not what a reader of events does', async () => {
    expect(await ask('', bearer(read))).toBe(200);
    expect(await ask('?stream=attach', bearer(read))).toBe(200);
  });
});

describe('too many failures', () => {
  const fail = async (times: number): Promise<Answer[]> => {
    const answers: Answer[] = [];
    for (let i = 0; i < times; i++) {
      answers.push(await http.ask('GET', '/v1/agent', undefined, i % 2 === 0 ? {} : bearer('wrong')));
    }
    return answers;
  };

  test('are 429 with the time to wait, until the minute is over', async () => {
    const first = await fail(10);
    expect(first.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 401));
    clock.nowMs += 15_500;
    const [late] = await fail(1);
    expect(late).toMatchObject({ status: 429, body: { code: 'rate_limited', retryAfterMs: 44_500 } });
    expect(late?.headers.get('retry-after')).toBe('45');
    clock.nowMs += 44_500;
    expect((await fail(1))[0]?.status).toBe(401);
  });

  test('never lock out a valid token on the same address, nor what is open', async () => {
    await fail(50);
    for (const token of [full, read]) {
      expect((await http.ask('GET', '/v1/agent', undefined, bearer(token))).status).toBe(200);
    }
    expect((await http.ask('GET', '/livez')).status).toBe(200);
  });

  test('are one line in the log, however many they are, and no token is in it', async () => {
    authLines.length = 0;
    await fail(30);
    expect(authLines).toEqual([
      { address: '127.0.0.1', retryAfterMs: 60_000, message: 'too many requests without a valid token' },
    ]);
  });
});

test('no token comes into the log or into an answer', async () => {
  const answers = [
    await http.ask('POST', `/v1/topics?token=${full}`, { name: '!' }, bearer(full)),
    await http.ask('POST', '/v1/topics', {}, bearer(read)),
    await http.ask('GET', '/v1/agent', undefined, bearer(`${full}x`)),
  ];
  const seen = JSON.stringify([http.lines, authLines, answers.map(({ body }) => body)]);
  expect(http.lines.length).toBeGreaterThan(0);
  expect(seen).not.toContain(full);
  expect(seen).not.toContain(read);
});

describe('new tokens', () => {
  const own = new Authentication({ clock, log }, {});
  const access = (token: string) => own.accessOf(`Bearer ${token}`);

  test('are in force from the next request on, and the old ones are not', () => {
    expect([access(full), access(read), own.accessOf(undefined)]).toEqual(['full', 'full', 'full']);
    own.setTokens({ full });
    expect([access(full), access(read), own.accessOf(undefined)]).toEqual(['full', 'none', 'none']);
    own.setTokens({ full: read, read: full });
    expect([access(full), access(read), own.accessOf(undefined)]).toEqual(['read', 'full', 'none']);
  });

  test('for reading alone are refused', () => {
    expect(() => own.setTokens({ read })).toThrow(/would leave changes open/);
    expect(access(read)).toBe('full');
  });
});
