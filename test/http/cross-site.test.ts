// What a page in somebody's browser can send without asking (plain forms, no-cors requests, images) changes nothing, on any route.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fixture, startFixture } from './fixture.ts';
import { rawRequest } from './raw-request.ts';
import { allRoutes, isChange, isStream } from './routes.ts';

const routes = await allRoutes();
const changes = routes.filter(isChange);

let http: Fixture;
let before: unknown;
beforeAll(async () => {
  http = await startFixture();
  await http.store.createTopic({ name: 'orders', partitionCount: 2, retentionMs: null, config: {} });
  await http.store.commitOffsets('billing', [{ topic: 'orders', partition: 0, offset: 0, metadata: null }]);
  before = await http.contents();
});
afterAll(async () => http[Symbol.asyncDispose]());

const json = '{"name":"theirs","partitionCount":1,"epoch":1,"offset":0,"leases":[],"offsets":[]}';

/** Bodies that a form or a no-cors request may have: the three types that need no leave, and none at all. */
const bodies: Record<string, { type?: string; body: string }> = {
  'a form': { type: 'application/x-www-form-urlencoded', body: 'name=theirs&partitionCount=1' },
  'a form with files': {
    type: 'multipart/form-data; boundary=x',
    body: `--x\r\nContent-Disposition: form-data; name="name"\r\n\r\ntheirs\r\n--x--\r\n`,
  },
  'text that is JSON': { type: 'text/plain', body: json },
  'text with a charset': { type: 'text/plain;charset=UTF-8', body: json },
  'a body without a type': { body: json },
  nothing: { body: '' },
  'a form without content': { type: 'application/x-www-form-urlencoded', body: '' },
};

/** What a browser says of itself when a page of another site sends it. */
const foreign: Record<string, Record<string, string>> = {
  'a page of another site': { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  'a sandboxed page': { origin: 'null', 'sec-fetch-site': 'cross-site' },
  'a page on another port of this host': { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' },
  'a browser that says the origin alone': { origin: 'https://evil.example' },
  'a browser that says the site alone': { 'sec-fetch-site': 'cross-site' },
};

test('there are routes that change something, and reading ones', () => {
  expect(changes.length).toBeGreaterThan(8);
  expect(routes.length).toBeGreaterThan(2 * changes.length);
});

describe.each(changes)('$method $pattern', ({ method, path }) => {
  test.each(Object.entries(bodies))('with %s from another origin is 403', async (_what, { type, body }) => {
    for (const headers of Object.values(foreign)) {
      const answer = await rawRequest(http.server.port, {
        method,
        path,
        headers: { host: 'localhost:7070', ...(type && { 'content-type': type }), ...headers },
        body,
      });
      expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('"forbidden"') });
    }
    expect(await http.contents()).toEqual(before);
  });

  test('with a body that is not JSON is 415, though nothing says where it comes from', async () => {
    for (const { type, body } of Object.values(bodies)) {
      if (body === '') continue;
      const answer = await rawRequest(http.server.port, {
        method,
        path,
        headers: { host: 'localhost:7070', ...(type && { 'content-type': type }) },
        body,
      });
      expect(answer).toMatchObject({
        status: 415,
        text: expect.stringContaining('"unsupported_media_type"'),
      });
    }
    expect(await http.contents()).toEqual(before);
    expect(http.agent.announced).toEqual([]);
  });

  test('is not allowed to a page that asks first', async () => {
    const { headers } = await rawRequest(http.server.port, {
      method: 'OPTIONS',
      path,
      headers: {
        host: 'localhost:7070',
        origin: 'https://evil.example',
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type',
      },
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });
});

test('reading changes nothing, whoever asks', async () => {
  for (const route of routes.filter((each) => !isChange(each))) {
    const { method, path } = route;
    // A stream does not end by itself; what it may change is tested with the tokens.
    if (isStream(route)) continue;
    await rawRequest(http.server.port, { method, path, headers: { host: 'localhost:7070' } });
  }
  expect(await http.contents()).toEqual(before);
  expect(http.agent.announced).toEqual([]);
});

test('a program on this host may change things: the refusals above are for what they say', async () => {
  const headers = { host: 'localhost:7070', 'content-type': 'application/json' };
  const body = JSON.stringify({ name: 'ours', partitionCount: 1 });
  const answer = await rawRequest(http.server.port, { method: 'POST', path: '/v1/topics', headers, body });
  expect(answer.status).toBe(201);
});
