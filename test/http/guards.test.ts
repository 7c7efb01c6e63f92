// Who may speak to an agent: Host names against DNS rebinding, origins against cross-site requests.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, startFixture } from './fixture.ts';
import { rawBytes, rawRequest } from './raw-request.ts';

let http: Fixture;
beforeAll(async () => {
  http = await startFixture({ allowedHosts: ['Agent-1.example', '10.0.0.7', 'fd00::7'] });
});
afterAll(async () => http[Symbol.asyncDispose]());

test.each([
  'localhost',
  'LOCALHOST:7070',
  'localhost.',
  '127.0.0.1',
  '127.0.0.1:1',
  '[::1]:7070',
  'agent-1.example',
  'AGENT-1.EXAMPLE:80',
  '10.0.0.7:9',
  '[FD00::7]:9',
])('the host %s is ours', async (host) => {
  expect(await rawRequest(http.server.port, { path: '/v1/agent', headers: { host } })).toMatchObject({
    status: 200,
  });
});

test.each([
  'evil.example',
  'localhost.evil.example',
  'evil.example:7070',
  '127.0.0.1.evil.example',
  'xlocalhost',
  'localhost@evil.example',
  'localhost:80@evil.example',
  'evil.example/localhost',
  '0.0.0.0',
  '[::2]',
  '::1',
  'localhost:http',
  'localhost,evil.example',
  '',
  undefined,
])(
  'the host %s is refused, for reading as for changing, on paths that are there and that are not',
  async (host) => {
    for (const path of ['/v1/agent', '/v1/topics', '/nothing/here']) {
      for (const method of ['GET', 'POST']) {
        const answer = await rawRequest(http.server.port, { method, path, headers: { host } });
        expect(answer.status).toBe(403);
        expect(JSON.parse(answer.text)).toMatchObject({ status: 403, code: 'forbidden' });
      }
    }
  },
);

test.each(['/livez', '/readyz', '/health', '/metrics'])('%s answers whatever the host says', async (path) => {
  for (const host of ['10.1.2.3:7070', 'evil.example', undefined]) {
    expect(await rawRequest(http.server.port, { path, headers: { host } })).toMatchObject({ status: 200 });
  }
});

test('a request target with a host of its own does not get round the Host header', async () => {
  const answer = await rawBytes(
    http.server.port,
    'GET http://localhost/v1/agent HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
  );
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
});

const foreign: Record<string, string>[] = [
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { origin: '' },
  { origin: 'http://localhost' },
  { origin: 'http://localhost:1' },
  { origin: 'http://127.0.0.1:7070' },
  { origin: 'http://localhost:7070.evil.example' },
  { origin: 'http://localhost:7070, http://evil.example' },
  { origin: 'file://localhost:7070' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': '' },
  { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:7070' },
];

test.each(foreign)('a page of another origin changes nothing: %j', async (headers) => {
  const body = JSON.stringify({ name: 'theirs', partitionCount: 1 });
  const all = { host: 'localhost:7070', 'content-type': 'application/json', ...headers };
  for (const [method, path] of [
    ['POST', '/v1/topics'],
    ['DELETE', '/v1/agents/agent-1?force=true'],
    ['PUT', '/v1/groups/g/offsets/t/0'],
  ] as const) {
    const answer = await rawRequest(http.server.port, { method, path, headers: all, body });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'forbidden' });
  }
  expect(await http.store.getTopic('theirs')).toBeUndefined();
  expect(http.agent.announced).toEqual([]);
});

test('reading is not refused for its origin: without our leave a page cannot see the answer', async () => {
  const headers = { host: 'localhost:7070', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
  const answer = await rawRequest(http.server.port, { path: '/v1/topics', headers });
  expect(answer.status).toBe(200);
  expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
});

test.each([
  { host: 'localhost:7070', origin: 'http://localhost:7070' },
  { host: 'localhost:7070', origin: 'http://LOCALHOST:7070', 'sec-fetch-site': 'same-origin' },
  { host: 'localhost', origin: 'http://localhost' },
  { host: 'localhost:80', origin: 'http://localhost' },
  { host: 'agent-1.example', origin: 'https://agent-1.example' },
  { host: '[::1]:7070', origin: 'http://[::1]:7070' },
  { host: 'localhost:7070', 'sec-fetch-site': 'none' },
])('our own page may change things: %j', async (headers) => {
  const answer = await rawRequest(http.server.port, { method: 'DELETE', path: '/v1/topics/none', headers });
  expect(answer.status).toBe(404);
});
