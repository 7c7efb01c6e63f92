// Requests for the fuzz test: any at all, and such as fit a route in form but not in what they say.
import * as fc from 'fast-check';
import type { RawRequest } from './raw-request.ts';

const topicPath = '/v1/topics/t';
const partitionPath = `${topicPath}/partitions/0`;
const knownPaths = [
  '/v1/topics',
  topicPath,
  `${topicPath}/partitions`,
  partitionPath,
  `${partitionPath}/segments`,
  `${partitionPath}/segments/at/0`,
  `${partitionPath}/high-watermark`,
  '/v1/groups',
  '/v1/groups/cg',
  '/v1/groups/cg/offsets',
  '/v1/groups/cg/offsets/t/0',
  '/v1/agents',
  '/v1/agents/agent-1',
  '/v1/agents/agent-1/drain',
  '/v1/leases',
  '/v1/leases/t/0',
  '/v1/leases/t/0/history',
  '/v1/leases/t/0/release',
  '/v1/leases/t/0/move',
  '/v1/elections',
  '/v1/held',
  '/v1/status',
  '/health',
];
const knownParts = [...new Set(knownPaths.flatMap((path) => path.split('/')))];
const knownQueries = ['limit', 'cursor', 'from', 'before', 'topic', 'agent', 'unleased', 'force'];
const knownFields = (
  'name partitionCount retentionMs config epoch id baseOffset endOffset recordCount sizeBytes ' +
  'bucket key offset offsets metadata topic partition expectedEpoch to force'
).split(' ');

function ascii(from: number, maxLength: number): fc.Arbitrary<string> {
  const unit = fc.integer({ min: from, max: 0x7e }).map((code) => String.fromCharCode(code));
  return fc.string({ unit, maxLength });
}

/** Mostly one of `known`, else something of the other kinds. */
function mostly<T>(known: readonly T[], ...others: readonly fc.Arbitrary<T>[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 4 * others.length, arbitrary: fc.constantFrom(...known) }, ...others);
}

/** What a client may put into a request line as it is. */
const pathText = ascii(0x21, 12);
const encoded = fc.string({ unit: 'binary', maxLength: 8 }).map(encodeURIComponent);
const headerText = ascii(0x20, 30);

const path = mostly(
  knownPaths,
  fc.array(mostly(knownParts, pathText, encoded), { maxLength: 7 }).map((parts) => `/${parts.join('/')}`),
);

/** Cursors that look right: JSON of the shapes that stores give, with values of all kinds. */
const cursor = fc
  .array(fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.constant(null)), { maxLength: 3 })
  .map((key) => Buffer.from(JSON.stringify(key)).toString('base64url'));

function queryOf(
  names: fc.Arbitrary<string>,
  values: fc.Arbitrary<string>,
  maxLength: number,
): fc.Arbitrary<string> {
  return fc
    .array(fc.tuple(names, values), { maxLength })
    .map((pairs) => pairs.map(([name, value], i) => `${i === 0 ? '?' : '&'}${name}=${value}`).join(''));
}

const queryValue = mostly(['true', 'false', '', '0', '1'], fc.nat().map(String), cursor, pathText, encoded);
const query = queryOf(mostly(knownQueries, pathText), queryValue, 3);

const scalar = fc.oneof(
  fc.nat({ max: 100 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('t', 's1', 'x'.repeat(3_000), null, true),
);
const object = fc.dictionary(
  mostly(knownFields, fc.string({ maxLength: 10 })),
  fc.oneof({ weight: 4, arbitrary: scalar }, fc.jsonValue()),
);
const anyBody = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.oneof(object, fc.array(object, { maxLength: 3 })).map((value) => JSON.stringify(value)),
  },
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '{', '[]', 'null'),
);

const anyHeaders = fc.record(
  {
    host: mostly(['localhost'], headerText),
    origin: mostly(['http://localhost'], headerText),
    'content-type': mostly(['application/json'], headerText),
    'x-request-id': headerText,
    'sec-fetch-site': fc.constantFrom('none', 'same-origin', 'cross-site'),
    accept: headerText,
    'accept-version': headerText,
    'accept-encoding': headerText,
    expect: fc.constant('100-continue'),
    range: headerText,
  },
  { requiredKeys: ['content-type'] },
);
const anyMethod = mostly(
  ['GET', 'POST', 'PUT', 'DELETE'],
  fc.constantFrom('HEAD', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'MKCOL'),
);

/** Anything that is HTTP. */
export const anyRequest: fc.Arbitrary<RawRequest> = fc
  .record({ method: anyMethod, path, query, headers: anyHeaders, body: anyBody })
  .map(({ method, path, query, headers, body }) => {
    const carriesBody = method !== 'GET' && method !== 'HEAD';
    return { method, path: path + query, headers, ...(carriesBody ? { body } : {}) };
  });

const offset = fc.oneof(
  fc.nat({ max: 30 }),
  fc.constantFrom(2 ** 32, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER),
);
const epoch = fc.constantFrom(0, 2 ** 32);
const longText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 255 })
  .map((text) => text.slice(0, 255));
const segment = fc.record({
  epoch,
  id: longText,
  baseOffset: offset,
  endOffset: offset,
  recordCount: offset,
  sizeBytes: offset,
  bucket: longText,
  key: longText,
});
const commit = { offset, metadata: fc.option(longText) };
const commitOfAny = fc.record({
  topic: fc.constantFrom('t', 'u'),
  partition: fc.nat({ max: 2 ** 31 - 1 }),
  ...commit,
});
const topic = fc.record({
  name: fc.oneof(fc.constantFrom('t', 'u'), fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/)),
  partitionCount: fc.integer({ min: 1, max: 4 }),
  retentionMs: fc.option(offset),
  config: fc.dictionary(fc.string(), fc.jsonValue()),
});

const steering = { expectedEpoch: fc.option(epoch), force: fc.boolean() };

function sending(method: string, path: string, body: fc.Arbitrary<unknown>): fc.Arbitrary<RawRequest> {
  const headers = { 'content-type': 'application/json' };
  return body.map((value) => ({ method, path, headers, body: JSON.stringify(value) }));
}

/** Requests that a route has nothing to say against, so that they reach the store, with all that it may refuse. */
export const fittingRequest: fc.Arbitrary<RawRequest> = fc.oneof(
  sending('POST', '/v1/topics', topic),
  sending('POST', `${topicPath}/partitions`, fc.record({ partitionCount: fc.integer({ min: 1, max: 9 }) })),
  sending(
    'POST',
    `${partitionPath}/segments`,
    fc.oneof(segment, fc.array(segment, { minLength: 1, maxLength: 3 })),
  ),
  sending('PUT', `${partitionPath}/high-watermark`, fc.record({ epoch, offset: fc.nat({ max: 30 }) })),
  sending('PUT', '/v1/groups/cg/offsets/t/0', fc.record(commit)),
  sending('POST', '/v1/groups/cg/offsets', fc.array(commitOfAny, { minLength: 1, maxLength: 3 })),
  sending('POST', '/v1/leases/t/0/release', fc.record(steering, { requiredKeys: [] })),
  sending(
    'POST',
    '/v1/leases/t/0/move',
    fc.record({ ...steering, to: fc.constantFrom('agent-1', 'nobody', null) }, { requiredKeys: [] }),
  ),
  fc
    .constantFrom('cordon', 'uncordon', 'drain')
    .map((verb) => ({ method: 'POST', path: `/v1/agents/agent-1/${verb}` })),
  fc
    .tuple(
      fc.constantFrom(...knownPaths),
      queryOf(fc.constantFrom('limit', 'cursor'), fc.oneof(cursor, queryValue), 1),
    )
    .map(([path, query]) => ({ path: path + query })),
  offset.map((each) => ({ path: `${partitionPath}/segments/at/${each}` })),
  offset.map((each) => ({ path: `${partitionPath}/segments?from=${each}` })),
  offset.map((each) => ({ method: 'DELETE', path: `${partitionPath}/segments?before=${each}` })),
  fc.constantFrom(
    { method: 'DELETE', path: '/v1/agents/agent-1?force=true' },
    { method: 'DELETE', path: '/v1/groups/cg' },
    { method: 'DELETE', path: '/v1/topics/u' },
  ),
);
