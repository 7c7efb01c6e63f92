// Topics and partitions over HTTP, on the real store.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Fixture, nextCursorOf, rfc3339, startFixture } from './fixture.ts';

let http: Fixture;
beforeAll(async () => {
  http = await startFixture();
});
afterAll(async () => http[Symbol.asyncDispose]());
beforeEach(() => http.agent.announced.splice(0));

test('a topic is created, found, listed, grown and deleted, and each change is announced', async () => {
  const orders = { name: 'orders', partitionCount: 3, retentionMs: null, config: {}, createdAt: rfc3339 };
  const created = await http.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3 });
  expect(created).toMatchObject({ status: 201, body: orders });
  expect(created.headers.get('location')).toBe('/v1/topics/orders');
  expect(await http.ask('GET', '/v1/topics/orders')).toMatchObject({ status: 200, body: orders });
  expect((await http.ask('GET', '/v1/topics')).body).toEqual({ topics: [orders] });
  expect(http.agent.announced).toEqual(['topics']);

  const grown = await http.ask('POST', '/v1/topics/orders/partitions', { partitionCount: 5 });
  expect(grown).toMatchObject({ status: 200, body: { ...orders, partitionCount: 5 } });
  expect(http.agent.announced).toEqual(['topics', 'topics']);

  const deleted = await http.ask('DELETE', '/v1/topics/orders');
  expect(deleted).toMatchObject({ status: 204, body: '' });
  expect(http.agent.announced).toEqual(['topics', 'topics', 'topics']);
  expect(await http.ask('GET', '/v1/topics/orders')).toMatchObject({
    status: 404,
    body: { code: 'not_found' },
  });
});

test('a topic keeps its retention and its configuration as they were given', async () => {
  const config = {
    'cleanup.policy': 'compact',
    nested: { list: [1, null, 'ü'] },
    constructor: { prototype: 1 },
  };
  const given = { name: 'configured', partitionCount: 1, retentionMs: Number.MAX_SAFE_INTEGER, config };
  expect((await http.ask('POST', '/v1/topics', given)).body).toEqual({ ...given, createdAt: rfc3339 });
  expect((await http.ask('GET', '/v1/topics/configured')).body).toEqual({ ...given, createdAt: rfc3339 });
});

test('a preference that names nobody who could be meant is refused, and nothing is created', async () => {
  for (const config of [{ prefer: 'no such/name' }, { prefer: [] }, { 'prefer.3': 'a' }, { prefer: 7 }]) {
    const answer = await http.ask('POST', '/v1/topics', { name: 'preferring', partitionCount: 3, config });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(String(Object(answer.body).detail)).toContain(`"${Object.keys(config)[0]}"`);
  }
  expect(await http.ask('GET', '/v1/topics/preferring')).toMatchObject({ status: 404 });
  const config = { prefer: 'broker-1,broker-2', 'prefer.2': ['broker-3'] };
  const given = { name: 'preferring', partitionCount: 3, config };
  expect(await http.ask('POST', '/v1/topics', given)).toMatchObject({ status: 201, body: { config } });
});

test('refusals of the store come as problems with their code, and announce nothing', async () => {
  await http.ask('POST', '/v1/topics', { name: 'twice', partitionCount: 2 });
  http.agent.announced.splice(0);
  const again = await http.ask('POST', '/v1/topics', { name: 'twice', partitionCount: 2 });
  expect(again.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(again).toMatchObject({
    status: 409,
    body: {
      type: 'about:blank',
      title: 'Conflict',
      status: 409,
      code: 'already_exists',
      instance: '/v1/topics',
      requestId: again.headers.get('x-request-id'),
    },
  });
  const fewer = await http.ask('POST', '/v1/topics/twice/partitions', { partitionCount: 1 });
  expect(fewer).toMatchObject({ status: 409, body: { code: 'conflict' } });
  const none = await http.ask('POST', '/v1/topics/none/partitions', { partitionCount: 1 });
  expect(none).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await http.ask('DELETE', '/v1/topics/none')).toMatchObject({ status: 404 });
  expect(http.agent.announced).toEqual([]);
});

test('topics are listed page by page', async () => {
  for (const name of ['page-a', 'page-b', 'page-c'])
    await http.ask('POST', '/v1/topics', { name, partitionCount: 1 });
  const all = await http.ask('GET', '/v1/topics');
  const seen: unknown[] = [];
  let path = '/v1/topics?limit=2';
  for (;;) {
    const page = await http.ask('GET', path);
    seen.push(page.body);
    const cursor = nextCursorOf(page);
    if (cursor === undefined) break;
    path = `/v1/topics?limit=2&cursor=${cursor}`;
  }
  expect(seen.length).toBeGreaterThan(1);
  expect(seen.flatMap((body) => topicsOf(body))).toEqual(topicsOf(all.body));
});

test('partitions come with their leader and epoch, page by page', async () => {
  await http.ask('POST', '/v1/topics', { name: 'led', partitionCount: 5 });
  const [, epoch] = await http.acquire('led', 0, 3);
  const partition = (number: number, leader: string | null) => ({
    topic: 'led',
    partition: number,
    highWatermark: 0,
    startOffset: 0,
    leader,
    epoch: leader === null ? 0 : epoch,
  });
  const first = await http.ask('GET', '/v1/topics/led/partitions?limit=2');
  expect(first.body).toMatchObject({ partitions: [partition(0, 'agent-1'), partition(1, null)] });
  const rest = await http.ask('GET', `/v1/topics/led/partitions?cursor=${nextCursorOf(first)}`);
  expect(rest.body).toEqual({
    partitions: [partition(2, null), partition(3, 'agent-1'), partition(4, null)],
  });
  expect((await http.ask('GET', '/v1/topics/led/partitions/3')).body).toEqual(partition(3, 'agent-1'));
  expect(await http.ask('GET', '/v1/topics/led/partitions/5')).toMatchObject({ status: 404 });
  expect(await http.ask('GET', '/v1/topics/none/partitions')).toMatchObject({ status: 404 });
});

test.each(['WzBd', 'WzBd.', '.WzBd', 'WzBd.WzBd.WzBd', 'WzBd.WzBd', 'WyJhIl0.WyJhIl0'])(
  'the cursor %s, which no list of partitions gave, is refused',
  async (cursor) => {
    await http.ask('POST', '/v1/topics', { name: 'cursors', partitionCount: 3 });
    const answer = await http.ask('GET', `/v1/topics/cursors/partitions?limit=1&cursor=${cursor}`);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
  },
);

test('two halves of cursors that do not belong together never give a partition the leader of another', async () => {
  await http.ask('POST', '/v1/topics', { name: 'halves', partitionCount: 4 });
  const [one] = nextCursorOf(await http.ask('GET', '/v1/topics/halves/partitions?limit=1'))?.split('.') ?? [];
  const [, two] =
    nextCursorOf(await http.ask('GET', '/v1/topics/halves/partitions?limit=2'))?.split('.') ?? [];
  const mixed = await http.ask('GET', `/v1/topics/halves/partitions?limit=1&cursor=${one}.${two}`);
  expect(mixed).toMatchObject({ status: 409, body: { code: 'conflict' } });
});

function topicsOf(body: unknown): unknown[] {
  return typeof body === 'object' && body !== null && 'topics' in body && Array.isArray(body.topics)
    ? body.topics
    : [];
}
