// Requests for the fuzz test, made of the API's description: such as it describes, such as it does not quite, and any at all.
import * as fc from 'fast-check';
import type { ApiDescription, Operation } from './api-description.ts';
import { fitting, spoilt, type ValueOptions } from './json-arbitraries.ts';
import type { RawRequest } from './raw-request.ts';

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

/** Cursors that look right: JSON of the shapes that stores give, with values of all kinds. */
export const cursor = fc
  .array(fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.constant(null)), { maxLength: 3 })
  .map((key) => Buffer.from(JSON.stringify(key)).toString('base64url'));

function queryOf(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value], i) => `${i === 0 ? '?' : '&'}${name}=${value}`).join('');
}

/** Values that a rule for numbers, names or truths may stumble over. */
const oddText = fc.oneof(
  fc.constantFrom('', '-1', '+1', '1.5', '1e3', '0x10', ' 1', '٣', '.', '..', 'a/b', 'a\0', 'TRUE', 'yes'),
  fc.constantFrom('0', '2147483648', '9007199254740991', '9007199254740992', '9'.repeat(30), 'x'.repeat(250)),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

type Pairs = (readonly [name: string, value: string])[];

/** The parameters of one place, as texts that are not encoded yet. */
function parametersOf(
  operation: Operation,
  place: 'path' | 'query',
  options: ValueOptions,
): fc.Arbitrary<Pairs> {
  const described = operation.parameters.filter((each) => each.in === place);
  return fc
    .tuple(
      ...described.map(({ name, schema, required }) => {
        const pair = fitting(schema, options, name).map((value) => [name, textOf(value)] as const);
        return required ? pair : fc.option(pair, { freq: 2 });
      }),
    )
    .map((pairs) => pairs.filter((pair) => pair !== null));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** One value is odd; in a query also one parameter more, less or twice. */
function spoiltPairs(
  pairs: fc.Arbitrary<Pairs>,
  place: 'path' | 'query',
  names: readonly string[],
): fc.Arbitrary<Pairs> {
  const how =
    place === 'path' ? fc.constant('replace') : fc.constantFrom('replace', 'remove', 'double', 'add');
  const name = mostly([...names, 'limit', '__proto__'], fc.string({ unit: 'binary', maxLength: 8 }));
  return fc.tuple(pairs, fc.nat(), how, name, oddText).map(([given, n, change, added, text]) => {
    const at = given.length === 0 ? 0 : n % given.length;
    const here = given[at];
    if (change === 'add' || here === undefined) return place === 'path' ? given : [...given, [added, text]];
    if (change === 'remove') return given.filter((_, i) => i !== at);
    if (change === 'double') return [...given, here];
    return given.map((pair, i) => (i === at ? [pair[0], text] : pair));
  });
}

const jsonType = fc.constantFrom('application/json', 'application/json', 'Application/JSON; charset=utf-8');

/** Bodies that are not JSON, or too much of it. */
function brokenText(text: fc.Arbitrary<string>): fc.Arbitrary<string | Buffer> {
  return fc.oneof(
    fc.tuple(text, fc.nat()).map(([whole, n]) => whole.slice(0, n % (whole.length + 1))),
    text.map((whole) => `${whole},`),
    text.map((whole) => `\ufeff${whole}`),
    text.map((whole) => Buffer.concat([Buffer.from(whole), Buffer.from([0xff])])),
    fc.constantFrom(
      '',
      '{',
      'null',
      '{"a":1}{"a":1}',
      '['.repeat(200_000),
      '[['.repeat(40) + ']]'.repeat(40),
    ),
    { weight: 1, arbitrary: text.map((whole) => whole.padEnd(1_048_577, ' ')) },
  );
}

/** A request of an operation: as described, or with its path, its query or its body spoilt. */
export function describedRequest(operation: Operation, options: ValueOptions): fc.Arbitrary<RawRequest> {
  const path = parametersOf(operation, 'path', options);
  const query = parametersOf(operation, 'query', options);
  const names = operation.parameters.map(({ name }) => name);
  const body =
    operation.body === undefined ? fc.constant(undefined) : fitting(operation.body.schema, options);
  const text = (value: fc.Arbitrary<unknown>) => value.map((each) => JSON.stringify(each) ?? '');
  const carriesBody = operation.method !== 'GET';
  const request = (parts: {
    readonly path?: fc.Arbitrary<Pairs>;
    readonly query?: fc.Arbitrary<Pairs>;
    readonly body?: fc.Arbitrary<string | Buffer>;
    readonly type?: fc.Arbitrary<string>;
  }): fc.Arbitrary<RawRequest> =>
    fc
      .record({ path, query, body: text(body), type: jsonType, ...parts })
      .map(({ path, query, body, type }) => ({
        method: operation.method,
        path: target(operation.path, path, query),
        ...(carriesBody && body.length > 0 ? { headers: { 'content-type': type }, body } : {}),
      }));
  const ways: fc.WeightedArbitrary<RawRequest>[] = [{ weight: 6, arbitrary: request({}) }];
  if (operation.path.includes('{')) {
    ways.push({ weight: 2, arbitrary: request({ path: spoiltPairs(path, 'path', names) }) });
  }
  ways.push({ weight: 3, arbitrary: request({ query: spoiltPairs(query, 'query', names) }) });
  if (carriesBody) {
    ways.push({ weight: 8, arbitrary: request({ body: text(spoilt(body)) }) });
    ways.push({ weight: 2, arbitrary: request({ body: brokenText(text(body)) }) });
    ways.push({ weight: 1, arbitrary: request({ type: mostly(['text/plain', ''], headerText) }) });
  }
  return fc.oneof(...ways);
}

function target(template: string, path: Pairs, query: Pairs): string {
  const filled = path.reduce(
    (rest, [name, value]) => rest.replace(`{${name}}`, () => encodeURIComponent(value)),
    template,
  );
  return (
    filled + queryOf(query.map(([name, value]) => [encodeURIComponent(name), encodeURIComponent(value)]))
  );
}

const scalar = fc.oneof(
  fc.nat({ max: 100 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('t', 's1', 'x'.repeat(3_000), null, true),
);

const anyHeaders = fc.record(
  {
    host: mostly(['localhost'], headerText),
    origin: mostly(['http://localhost'], headerText),
    authorization: headerText,
    'content-type': mostly(['application/json'], headerText),
    'x-request-id': headerText,
    'last-event-id': headerText,
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

/** Anything that is HTTP, with words that occur in the API. */
export function anyRequest(api: ApiDescription): fc.Arbitrary<RawRequest> {
  const paths = api.operations.map(({ path }) =>
    path.replaceAll(/\{\w+\}/g, 't').replaceAll('partitions/t', 'partitions/0'),
  );
  const parts = [...new Set(paths.flatMap((path) => path.split('/')))];
  const queries = [
    ...new Set(api.operations.flatMap(({ parameters }) => parameters.map(({ name }) => name))),
  ];
  const fields = Object.values(api.document.components.schemas).flatMap(({ properties }) =>
    Object.keys(properties ?? {}),
  );

  const path = mostly(
    paths,
    fc.array(mostly(parts, pathText, encoded), { maxLength: 7 }).map((some) => `/${some.join('/')}`),
  );
  const value = mostly(['true', 'false', '', '0', '1'], fc.nat().map(String), cursor, pathText, encoded);
  const query = fc.array(fc.tuple(mostly(queries, pathText), value), { maxLength: 3 }).map(queryOf);
  const object = fc.dictionary(
    mostly(fields, fc.string({ maxLength: 10 })),
    fc.oneof({ weight: 4, arbitrary: scalar }, fc.jsonValue()),
  );
  const body = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.oneof(object, fc.array(object, { maxLength: 3 })).map((each) => JSON.stringify(each)),
    },
    fc.jsonValue().map((each) => JSON.stringify(each)),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '{', '[]', 'null'),
  );
  return fc
    .record({ method: anyMethod, path, query, headers: anyHeaders, body })
    .map(({ method, path, query, headers, body }) => {
      const carriesBody = method !== 'GET' && method !== 'HEAD';
      return { method, path: path + query, headers, ...(carriesBody ? { body } : {}) };
    });
}
