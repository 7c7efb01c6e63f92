// Requests that cannot be right: each is refused with its status and code, says what is wrong, and changes nothing.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, startFixture } from './fixture.ts';
import { rawRequest } from './raw-request.ts';

let http: Fixture;
let before: unknown;
beforeAll(async () => {
  http = await startFixture();
  await http.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3 });
  const [epoch] = await http.acquire('orders', 0);
  await http.ask('POST', `${partition}/segments`, { ...segment, epoch });
  await http.ask('PUT', '/v1/groups/billing/offsets/orders/0', { offset: 4 });
  http.agent.announced.splice(0);
  before = await http.contents();
});

/** After all of the requests below, for each of them. */
afterAll(async () => {
  expect(await http.contents()).toEqual(before);
  expect(http.agent.announced).toEqual([]);
  await http[Symbol.asyncDispose]();
});

const tooBig = 9_007_199_254_740_992;
const partition = '/v1/topics/orders/partitions/0';
const segment = {
  epoch: 1,
  id: 's',
  baseOffset: 0,
  endOffset: 9,
  recordCount: 10,
  sizeBytes: 1,
  bucket: 'b',
  key: 'k',
};
const commit = { topic: 'orders', partition: 0, offset: 0 };
const long = 'x'.repeat(250);

const badBodies: readonly (readonly [method: string, path: string, body: unknown, says: RegExp])[] = [
  ['POST', '/v1/topics', {}, /"name".*"partitionCount"/],
  ['POST', '/v1/topics', null, /the body: must be a JSON object/],
  ['POST', '/v1/topics', [], /the body: must be a JSON object/],
  ['POST', '/v1/topics', '"orders"', /the body: must be a JSON object/],
  ...['', '.', '..', 'a/b', 'a b', 'ü', 'a\n', 'a\0', long, 7, null].map(
    (name) => ['POST', '/v1/topics', { name, partitionCount: 1 }, /name/] as const,
  ),
  ...[0, -1, 1.5, 100_001, '3', null, true, tooBig].map(
    (partitionCount) => ['POST', '/v1/topics', { name: 'n', partitionCount }, /partitionCount/] as const,
  ),
  ...[-1, 0.5, '7', tooBig, 1e300].map(
    (retentionMs) =>
      ['POST', '/v1/topics', { name: 'n', partitionCount: 1, retentionMs }, /retentionMs/] as const,
  ),
  ...[null, [], 'x', 7].map(
    (config) =>
      [
        'POST',
        '/v1/topics',
        { name: 'n', partitionCount: 1, config },
        /"config": must be a JSON object/,
      ] as const,
  ),
  [
    'POST',
    '/v1/topics',
    { name: 'n', partitionCount: 1, config: { a: ['\0'] } },
    /config\.a\.0: must not contain a NUL/,
  ],
  [
    'POST',
    '/v1/topics',
    { name: 'n', partitionCount: 1, config: { 'a\0': 1 } },
    /name must not contain a NUL/,
  ],
  ['POST', '/v1/topics', { name: 'n', partitionCount: 1, config: { a: '\ud800' } }, /config\.a: .*surrogate/],
  ['POST', '/v1/topics', '{"name":"n","partitionCount":1,"config":{"a":1e400}}', /config\.a: .*2\^53/],
  [
    'POST',
    '/v1/topics',
    '{"name":"n","partitionCount":1,"config":{"a":9007199254740993}}',
    /config\.a: .*2\^53/,
  ],
  ['POST', '/v1/topics', '{"name":"n","partitionCount":1,"config":{"__proto__":{"a":1}}}', /__proto__/],
  [
    'POST',
    '/v1/topics',
    `{"name":"n","partitionCount":1,"config":{"a":${'['.repeat(40)}${']'.repeat(40)}}}`,
    /deeper/,
  ],
  ['POST', '/v1/topics', `${'['.repeat(400_000)}${']'.repeat(400_000)}`, /deeper/],
  ['POST', '/v1/topics', { name: 'n', partitionCount: 1, partitions: 3 }, /there is no field "partitions"/],
  [
    'POST',
    '/v1/topics',
    { name: 'n', partitionCount: 1, ['f'.repeat(9_999)]: 3 },
    /there is no field "f{99,100}"/,
  ],
  ['POST', '/v1/topics/orders/partitions', { partitionCount: 2.5 }, /partitionCount/],
  ['POST', '/v1/topics/orders/partitions', { partitionCount: 9, force: true }, /"force"/],
  ['POST', '/v1/topics/orders/partitions', undefined, /the body: must be a JSON object/],
  ['POST', '/v1/topics/../partitions', { partitionCount: 4 }, /path parameter "topic"/],
  ['POST', `${partition}/segments`, {}, /"epoch"/],
  ['POST', `${partition}/segments`, null, /a segment or an array/],
  ['POST', `${partition}/segments`, [], /at least one/],
  ['POST', `${partition}/segments`, [segment, { ...segment, id: '' }], /"\[1\]\.id"/],
  ['POST', `${partition}/segments`, [segment, { ...segment, id: 't', epoch: 2 }], /the same epoch/],
  ['POST', `${partition}/segments`, [segment, 7], /\[1\]/],
  ['POST', `${partition}/segments`, Array.from({ length: 50 }, () => ({})), /and \d+ more/],
  ...['epoch', 'baseOffset', 'endOffset', 'recordCount', 'sizeBytes'].flatMap((field) =>
    [-1, 0.5, '1', null, tooBig, undefined].map(
      (value) =>
        ['POST', `${partition}/segments`, { ...segment, [field]: value }, new RegExp(field)] as const,
    ),
  ),
  ...(
    [
      ['id', 513],
      ['bucket', 256],
      ['key', 1_025],
    ] as const
  ).flatMap(([field, length]) =>
    ['', 'y'.repeat(length), 'a\0b', '\udfff', 7, null].map(
      (value) =>
        ['POST', `${partition}/segments`, { ...segment, [field]: value }, new RegExp(field)] as const,
    ),
  ),
  [
    'POST',
    `${partition}/segments`,
    { ...segment, baseOffset: 10, endOffset: 9 },
    /"endOffset": must not be below/,
  ],
  ['POST', `${partition}/segments`, { ...segment, endOffset: Number.MAX_SAFE_INTEGER }, /endOffset/],
  ['POST', `${partition}/segments`, { ...segment, partition: 1 }, /there is no field "partition"/],
  ...['cordon', 'uncordon', 'drain'].flatMap((verb) =>
    [{ force: true }, [], 'x', 7].map(
      (body) => ['POST', `/v1/agents/agent-1/${verb}`, body, /force|must be empty|not JSON/] as const,
    ),
  ),
  ['POST', '/v1/agents/b b/drain', {}, /path parameter "agentId"/],
  ...['release', 'move'].flatMap((verb) =>
    (
      [
        [{ expectedEpoch: -1 }, /expectedEpoch/],
        [{ expectedEpoch: '1' }, /expectedEpoch/],
        [{ expectedEpoch: tooBig }, /expectedEpoch/],
        [{ force: 1 }, /force/],
        [{ force: null }, /force/],
        [{ expectedepoch: 1 }, /there is no field "expectedepoch"/],
        [[], /must be a JSON object/],
      ] as const
    ).map(([body, says]) => ['POST', `/v1/leases/orders/0/${verb}`, body, says] as const),
  ),
  ['POST', '/v1/leases/orders/0/release', { to: 'agent-1' }, /there is no field "to"/],
  ['POST', '/v1/leases/orders/0/move', { to: '..' }, /"to"/],
  ['POST', '/v1/leases/orders/x/move', {}, /path parameter "partition"/],
  ['PUT', `${partition}/high-watermark`, { epoch: 1 }, /offset/],
  ['PUT', `${partition}/high-watermark`, { epoch: 1, offset: tooBig }, /offset/],
  ['PUT', `${partition}/high-watermark`, { epoch: 1, offset: 1, force: true }, /force/],
  ['PUT', '/v1/groups/billing/offsets/orders/0', { offset: -1 }, /offset/],
  ['PUT', '/v1/groups/billing/offsets/orders/0', { offset: 1, metadata: 'm'.repeat(4_097) }, /metadata/],
  ['PUT', '/v1/groups/billing/offsets/orders/0', { offset: 1, metadata: 7 }, /metadata/],
  ['PUT', '/v1/groups/billing/offsets/orders/0', { offset: 1, metadata: 'a\0' }, /metadata/],
  ['PUT', '/v1/groups/billing/offsets/orders/x', { offset: 1 }, /path parameter "partition"/],
  ['PUT', '/v1/groups/b b/offsets/orders/0', { offset: 1 }, /path parameter "group"/],
  ['POST', '/v1/groups/billing/offsets', [], /at least one/],
  ['POST', '/v1/groups/billing/offsets', { offsets: [] }, /at least one/],
  ['POST', '/v1/groups/billing/offsets', {}, /offsets/],
  ['POST', '/v1/groups/billing/offsets', [commit, { ...commit, partition: -1 }], /"\[1\]\.partition"/],
  ['POST', '/v1/groups/billing/offsets', { offsets: [{ ...commit, topic: '..' }] }, /"offsets\[0\]\.topic"/],
  ['POST', '/v1/groups/billing/offsets', { offsets: [commit], group: 'x' }, /"group"/],
];

test.each(badBodies)('%s %s with the body %j', async (method, path, body, says) => {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await rawRequest(http.server.port, {
    method,
    path: path.replace(' ', '%20'),
    headers: { 'content-type': 'application/json' },
    ...(text === undefined ? {} : { body: text }),
  });
  expect(JSON.parse(answer.text)).toMatchObject({
    status: 400,
    code: 'invalid',
    detail: expect.stringMatching(says),
  });
  expect(answer).toMatchObject({
    status: 400,
    headers: { 'content-type': expect.stringContaining('problem+json') },
  });
});

const lists = [
  '/v1/agents',
  '/v1/leases',
  '/v1/elections',
  '/v1/topics',
  '/v1/topics/orders/partitions',
  `${partition}/segments`,
  '/v1/groups',
  '/v1/groups/billing',
];
const badLimits = [
  'abc',
  '0',
  '-1',
  '10001',
  '1.5',
  '1e3',
  '0x10',
  '',
  '%20',
  '+1',
  '99999999999999999999',
  '1&limit=2',
];
const badCursors = [
  '',
  'not!base64',
  '%00',
  'WyJhIiwxLDJd',
  'bm90IGpzb24',
  'W10',
  'x'.repeat(2_049),
  'a&cursor=b',
];

const badQueries: readonly (readonly [method: string, path: string, names: string])[] = [
  ...lists.flatMap((list) => badLimits.map((limit) => ['GET', `${list}?limit=${limit}`, 'limit'] as const)),
  ...lists.flatMap((list) =>
    badCursors.map((cursor) => ['GET', `${list}?cursor=${cursor}`, 'cursor'] as const),
  ),
  ...lists.map((list) => ['GET', `${list}?offset=1`, 'offset'] as const),
  ...lists.map((list) => ['GET', `${list}?__proto__=1`, '__proto__'] as const),
  ['GET', '/v1/leases?topic=a/b', 'topic'],
  ['GET', '/v1/leases?topic=', 'topic'],
  ['GET', '/v1/leases?agent=..', 'agent'],
  ['GET', '/v1/leases?unleased=maybe', 'unleased'],
  ['GET', '/v1/leases?unleased', 'unleased'],
  ['GET', '/v1/leases/orders/0/history?limit=x', 'limit'],
  ['GET', '/v1/leases/orders/0/history?cursor=x', 'cursor'],
  ['GET', '/v1/leases/orders/-1', 'partition'],
  ['GET', '/v1/topics/', 'topic'],
  ['DELETE', '/v1/topics/', 'topic'],
  ['GET', '/v1/topics//partitions', 'topic'],
  ['GET', '/v1/leases/orders/2147483648', 'partition'],
  ['GET', '/v1/leases/orders/1e3', 'partition'],
  ['GET', '/v1/leases/a%2Fb/0', 'topic'],
  ['GET', '/v1/leases/a%00/0', 'topic'],
  ['GET', '/v1/leases/%2e%2e/0', 'topic'],
  ['GET', `/v1/leases/${long}/0`, 'topic'],
  ['GET', `/v1/topics/${'x'.repeat(9_000)}`, 'topic'],
  ['GET', '/v1/topics/orders?verbose', 'verbose'],
  ['GET', '/v1/status?x', 'x'],
  ['GET', '/v1/agent?x', 'x'],
  ['GET', '/v1/held?limit=1', 'limit'],
  ['GET', '/v1/agents/%20', 'agentId'],
  ['GET', '/v1/elections/a:b', 'name'],
  ['GET', '/v1/groups/%C3%BC', 'group'],
  ['GET', `${partition}/segments?from=-1`, 'from'],
  ['GET', `${partition}/segments?from=${tooBig}`, 'from'],
  ['GET', `${partition}/segments/at/x`, 'offset'],
  ['GET', `${partition}/segments/at/${tooBig}`, 'offset'],
  ['DELETE', `${partition}/segments`, 'before'],
  ['DELETE', `${partition}/segments?before=`, 'before'],
  ['DELETE', `${partition}/segments?before=-1`, 'before'],
  ['DELETE', `${partition}/segments?before=10&limit=0`, 'limit'],
  ['DELETE', `${partition}/segments?befor=10`, 'before'],
  ['DELETE', '/v1/agents/agent-1?force=yes', 'force'],
  ['DELETE', '/v1/agents/agent-1?force', 'force'],
  ['DELETE', '/v1/agents/agent-1?force=true&force=true', 'force'],
  ['DELETE', '/v1/agents/agent-1?Force=true', 'Force'],
  ['DELETE', '/v1/topics/orders?force=true', 'force'],
];

test.each(badQueries)('%s %s is refused and names %s', async (method, path, names) => {
  const answer = await rawRequest(http.server.port, { method, path });
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.text)).toMatchObject({ code: 'invalid', detail: expect.stringContaining(names) });
});

test.each([
  ['a lone brace', '{'],
  ['words', 'hello'],
  ['two values', '{} {}'],
  ['a trailing comma', '{"name":"n",}'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
])('a body of %s is refused as invalid', async (_what, body) => {
  const headers = { 'content-type': 'application/json' };
  const answer = await rawRequest(http.server.port, { method: 'POST', path: '/v1/topics', headers, body });
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.text)).toMatchObject({
    code: 'invalid',
    detail: expect.stringMatching(/^the body is not/),
  });
});

test.each([
  ['text/plain', 'text/plain'],
  ['a form', 'application/x-www-form-urlencoded'],
  ['no type at all', undefined],
  ['JSON lines', 'application/jsonl'],
  ['a problem', 'application/problem+json'],
  ['nonsense', ';;'],
])('a body sent as %s is refused as 415', async (_what, type) => {
  const body = JSON.stringify({ name: 'n', partitionCount: 1 });
  const headers = { 'content-type': type, 'content-length': String(body.length) };
  const answer = await rawRequest(http.server.port, { method: 'POST', path: '/v1/topics', headers, body });
  expect(answer.status).toBe(415);
  expect(JSON.parse(answer.text)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
});

test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
  'a body sent as %s is read',
  async (type) => {
    const answer = await http.ask(
      'PUT',
      '/v1/groups/billing/offsets/orders/0',
      { offset: -4 },
      { 'content-type': type },
    );
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
  },
);

test.each([
  ['announced', { 'content-length': String(3_000_000) }],
  ['chunked', { 'transfer-encoding': 'chunked' }],
])('a body over 1 MiB, its length %s, is refused as 413', async (_how, length) => {
  const headers = { 'content-type': 'application/json', ...length };
  const body = ' '.repeat(3_000_000);
  const answer = await rawRequest(http.server.port, { method: 'POST', path: '/v1/topics', headers, body });
  expect(answer.status).toBe(413);
  expect(JSON.parse(answer.text)).toMatchObject({ status: 413, code: 'too_large' });
});

test('a body of just 1 MiB is read', async () => {
  const body = '{}'.padEnd(1_048_576, ' ');
  expect(await http.ask('POST', '/v1/topics', body)).toMatchObject({
    status: 400,
    body: { code: 'invalid' },
  });
});

test('what needs no body takes an empty one, whatever its type says', async () => {
  const headers = { 'content-type': 'application/json', 'content-length': '0' };
  const answer = await rawRequest(http.server.port, { method: 'DELETE', path: '/v1/topics/none', headers });
  expect(answer.status).toBe(404);
});
