// A store that is not there yet, refuses, or says nothing: 503 within the attempt, and a living agent all the while.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { StoreMisconfigured, StoreUnavailable } from '../../src/domain/refusal.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { eventually } from '../support/eventually.ts';
import { type Fixture, postgresUrl, startFixture } from './fixture.ts';

const attemptMs = 500;

let proxy: FaultProxy;
let http: Fixture;
beforeAll(async () => {
  proxy = await startProxy(Number(postgresUrl().port));
  http = await startFixture({ port: proxy.port, attemptMs });
  await http.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 1 });
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await proxy.close();
});
beforeEach(async () => {
  proxy.mode = 'pass';
  http.agent.store = http.store;
  await eventually(async () => (await http.ask('GET', '/v1/topics')).status === 200);
  http.agent.announced.splice(0);
});

const requests = [
  ['GET', '/v1/status', undefined],
  ['GET', '/v1/agents', undefined],
  ['DELETE', '/v1/agents/agent-1?force=true', undefined],
  ['GET', '/v1/leases', undefined],
  ['GET', '/v1/leases/orders/0/history', undefined],
  ['GET', '/v1/elections/coordinator', undefined],
  ['POST', '/v1/topics', { name: 'more', partitionCount: 1 }],
  ['GET', '/v1/topics/orders/partitions', undefined],
  ['PUT', '/v1/topics/orders/partitions/0/high-watermark', { epoch: 1, offset: 1 }],
  ['GET', '/v1/topics/orders/partitions/0/segments/at/0', undefined],
  ['PUT', '/v1/groups/g/offsets/orders/0', { offset: 0 }],
] as const;

async function expectUnavailable(detail: (changes: boolean) => RegExp): Promise<void> {
  const startedAt = performance.now();
  const live = http.ask('GET', '/livez');
  const answers = requests.map(
    async ([method, path, body]) => [method, await http.ask(method, path, body)] as const,
  );
  for (const [method, answer] of await Promise.all(answers)) {
    const said = expect.stringMatching(detail(method !== 'GET'));
    expect(answer).toMatchObject({
      status: 503,
      body: { code: 'unavailable', retryAfterMs: 1_000, detail: said },
    });
    expect(answer.headers.get('retry-after')).toBe('1');
  }
  // A request may wait for a connection before its own attempt.
  expect(performance.now() - startedAt).toBeLessThan(4 * attemptMs);
  expect(await live).toMatchObject({ status: 200, body: 'ok' });
  expect(await http.ask('GET', '/v1/held')).toMatchObject({ status: 200 });
  expect(await http.ask('GET', '/v1/agent')).toMatchObject({ status: 200 });
  expect(http.agent.announced).toEqual([]);
  expect(http.lines.filter(({ level }) => level === 'error')).toEqual([]);
}

test('before the store is open everything that needs it is unavailable, and says why', async () => {
  http.agent.store = undefined;
  http.agent.state = { state: 'starting', detail: 'PostgreSQL refuses connections' };
  await expectUnavailable((changes) =>
    changes ? /nothing was changed/ : /PostgreSQL refuses connections\)$/,
  );
  http.agent.state = { state: 'active', detail: null };
});

test('a request that is wrong is told so even without a store', async () => {
  http.agent.store = undefined;
  expect(await http.ask('POST', '/v1/topics', {})).toMatchObject({ status: 400 });
  expect(await http.ask('GET', '/v1/none')).toMatchObject({ status: 404 });
});

test('a store that refuses connections is unavailable', async () => {
  proxy.mode = 'refuse';
  proxy.cutAll();
  await expectUnavailable((changes) => (changes ? /may be sent again$/ : /./));
});

test('a store that says nothing is unavailable within the attempt', async () => {
  proxy.mode = 'blackhole';
  await expectUnavailable((changes) => (changes ? /may be sent again$/ : /./));
});

test.each([
  [
    'unknown',
    new StoreUnavailable('no answer', { outcomeUnknown: true }),
    /the change may have taken effect/,
  ],
  ['known', new StoreUnavailable('no connection', { outcomeUnknown: false }), /nothing was changed/],
  ['known', new StoreMisconfigured('no such table'), /no such table; nothing was changed/],
])('a change whose outcome is %s says so; reading does not', async (_known, error, says) => {
  http.agent.store = new Proxy(http.store, { get: () => () => Promise.reject(error) });
  const change = await http.ask('DELETE', '/v1/topics/orders');
  expect(change).toMatchObject({
    status: 503,
    body: { code: 'unavailable', detail: expect.stringMatching(says) },
  });
  const read = await http.ask('GET', '/v1/topics');
  expect(read).toMatchObject({ status: 503, body: { code: 'unavailable', detail: error.message } });
});
