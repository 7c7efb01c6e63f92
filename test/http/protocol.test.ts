// HTTP itself: paths, methods, HEAD, request ids, the access log, and what happens to a bug.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Fixture, startFixture } from './fixture.ts';
import { rawBytes, rawRequest } from './raw-request.ts';

let http: Fixture;
beforeAll(async () => {
  http = await startFixture();
  await http.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 2 });
});
afterAll(async () => http[Symbol.asyncDispose]());
beforeEach(() => http.lines.splice(0));

test.each(['/v1', '/v1/', '/v2/topics', '//v1/topics', '/v1/topics/a/b', '/LIVEZ', '*'])(
  'there is nothing at %s, whatever is sent to it',
  async (path) => {
    for (const method of ['GET', 'POST', 'DELETE', 'PROPFIND']) {
      const body = method === 'POST' ? { body: 'x', headers: { 'content-type': 'text/plain' } } : {};
      const answer = await rawRequest(http.server.port, { method, path, ...body });
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.text)).toMatchObject({ status: 404, code: 'not_found' });
    }
  },
);

test.each([
  ['/livez', 'GET, HEAD', ['POST', 'DELETE', 'OPTIONS', 'PROPFIND']],
  ['/', 'GET, HEAD', ['POST', 'DELETE', 'PROPFIND']],
  ['/v1/topics', 'GET, HEAD, POST', ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']],
  ['/v1/topics/orders', 'DELETE, GET, HEAD', ['POST', 'PUT']],
  ['/v1/topics/', 'DELETE, GET, HEAD', ['POST', 'PUT']],
  ['/v1/topics/orders/partitions/0/segments', 'DELETE, GET, HEAD, POST', ['PUT', 'PATCH']],
  ['/v1/topics/orders/partitions/0/high-watermark', 'PUT', ['GET', 'HEAD', 'POST']],
  ['/v1/groups/g/offsets', 'POST', ['GET', 'DELETE']],
])('%s answers %s and nothing else', async (path, allow, methods) => {
  for (const method of methods) {
    const answer = await rawRequest(http.server.port, { method, path });
    expect(answer).toMatchObject({ status: 405, headers: { allow } });
    expect(answer.text).toContain(method === 'HEAD' ? '' : '"code":"method_not_allowed"');
  }
});

test.each(['/v1/topics/%zz', '/v1/topics/%', '/%c0%af', '/v1/leases/%E0%A4%A/0'])(
  'the malformed path %s is refused',
  async (path) => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await rawRequest(http.server.port, {
        method,
        path,
        headers: { 'x-request-id': 'id-7' },
      });
      expect(answer).toMatchObject({ status: 400, headers: { 'x-request-id': 'id-7' } });
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'invalid', requestId: 'id-7' });
    }
  },
);

test.each([
  '/livez',
  '/health',
  '/metrics',
  '/v1/status',
  '/v1/topics',
  '/v1/topics/orders',
  '/v1/topics/none',
])('HEAD %s says what GET would, without the body', async (path) => {
  const get = await rawRequest(http.server.port, { path });
  const head = await rawRequest(http.server.port, { method: 'HEAD', path });
  expect(head).toMatchObject({ status: get.status, text: '' });
  expect(head.headers['content-type']).toBe(get.headers['content-type']);
});

test('a request id is taken over, answered and logged', async () => {
  const answer = await http.ask('GET', '/v1/agent', undefined, { 'x-request-id': 'trace:01/A+b=' });
  expect(answer.headers.get('x-request-id')).toBe('trace:01/A+b=');
  expect(http.lines).toMatchObject([{ requestId: 'trace:01/A+b=' }]);
});

test.each(['', 'has space', 'quote"', 'x'.repeat(129), 'tab\there', 'ü'])(
  'the request id %j is replaced by one of ours',
  async (id) => {
    const answer = await rawRequest(http.server.port, { path: '/v1/agent', headers: { 'x-request-id': id } });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  },
);

test('one line per request: debug for reading, info for changing, without query and headers', async () => {
  await http.ask('GET', '/v1/topics?limit=5', undefined, {
    authorization: 'Bearer s3cret',
    cookie: 'c=s3cret',
  });
  await http.ask('DELETE', '/v1/agents/none?force=true', undefined, { authorization: 'Bearer s3cret' });
  await rawRequest(http.server.port, { path: '/v1/topics/%zz?token=s3cret' });
  const line = { message: 'request', requestId: expect.any(String), durationMs: expect.any(Number) };
  expect(http.lines).toEqual([
    { ...line, level: 'debug', method: 'GET', path: '/v1/topics', status: 200 },
    { ...line, level: 'info', method: 'DELETE', path: '/v1/agents/none', status: 404 },
    { ...line, level: 'debug', method: 'GET', path: '/v1/topics/%zz', status: 400 },
  ]);
  expect(JSON.stringify(http.lines)).not.toContain('s3cret');
});

test('answers are not cached and not sniffed', async () => {
  for (const path of ['/v1/agent', '/none', '/metrics', '/%zz']) {
    const { headers } = await rawRequest(http.server.port, { path });
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  }
});

test('a bug is a 500 that explains nothing, and its stack is in the log under the same id', async () => {
  const { agent, store } = http;
  const bug = new TypeError('the secret reason');
  agent.store = new Proxy(store, { get: () => () => Promise.reject(bug) });
  const answer = await http.ask('GET', '/v1/topics');
  agent.store = store;
  expect(answer).toMatchObject({ status: 500, body: { code: 'internal', status: 500 } });
  expect(JSON.stringify(answer.body)).not.toContain('secret');
  const requestId = answer.headers.get('x-request-id');
  expect(http.lines.filter(({ level }) => level === 'error')).toMatchObject([{ err: bug, requestId }]);
});

test.each([
  ['no request at all', 'hello\r\n\r\n', 400],
  ['a header without end', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  [
    'two lengths',
    'POST /v1/topics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    400,
  ],
])('%s is answered and the connection closed', async (_what, bytes, status) => {
  const answer = await rawBytes(http.server.port, bytes);
  expect(answer).toMatch(
    new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*problem\\+json[\\s\\S]*"code":"invalid"`),
  );
});

test('HTTP/1.0 is answered', async () => {
  expect(await rawBytes(http.server.port, 'GET /v1/agent HTTP/1.0\r\nHost: localhost\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 200 /,
  );
  expect(await rawBytes(http.server.port, 'GET /v1/agent HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
});
