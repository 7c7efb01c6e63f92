// The API's description: valid, complete, and served to whoever asks. That answers are as it says is held in every test that asks
// (fixture.ts), and conformance.test.ts asks for all there is.
import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, test } from 'vitest';
import type { HttpApp } from '../../src/http/http-app.ts';
import type { ApiDescription } from './api-description.ts';
import { bareApp, describedApi, startFixture } from './fixture.ts';
import { rawRequest } from './raw-request.ts';
import { isOfThePage } from './routes.ts';

let api: ApiDescription;
beforeAll(async () => {
  api = await describedApi();
});

test('it is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(api.raw))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('it is served to any Host, without the store, naming the running version', async () => {
  await using http = await startFixture({ backend: 'sqlite' });
  http.agent.store = undefined;
  http.agent.state = { state: 'starting', detail: 'no store yet' };
  for (const host of ['agent-7.example:7070', 'evil.example', undefined]) {
    const answer = await rawRequest(http.server.port, { path: '/openapi.json', headers: { host } });
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringMatching(/^application\/json/) },
    });
    expect(JSON.parse(answer.text)).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
  }
});

describe('every route of the API', () => {
  let app: HttpApp;
  beforeAll(async () => {
    app = bareApp();
    await app.ready();
  });

  test('is described: name, tag, summary and the answers it gives when all is well', () => {
    const missing = routesOf(app).flatMap(({ method, path }) => {
      const operation = api.operations.find((each) => each.method === method && each.path === path);
      if (operation === undefined) return [`${method} ${path}: not in the description`];
      const { id, tags, summary } = operation;
      const lacks = [
        ...(id === '' || tags.length !== 1 || summary === '' ? ['schema.doc'] : []),
        ...([...operation.answers.keys()].some((status) => status < 400) ? [] : ['schema.response']),
      ];
      return lacks.map((what) => `${method} ${path}: says no ${what}`);
    });
    expect(missing).toEqual([]);
  });

  test('is all there is described', () => {
    const routes = routesOf(app).map(({ method, path }) => `${method} ${path}`);
    expect(api.operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(routes.sort());
  });
});

test('no two operations have one name', () => {
  const names = api.operations.map(({ id }) => id);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

test('what a path has for parameters is described, and nothing else', () => {
  for (const { path, parameters } of api.operations) {
    const named = parameters.filter((each) => each.in === 'path').map(({ name }) => name);
    expect(named.sort()).toEqual(path.match(/(?<=\{)\w+/g)?.sort() ?? []);
  }
});

test('health, metrics and the description need no token; all else does, and may be refused for it', () => {
  const open = api.operations.filter(({ isOpen }) => isOpen).map(({ path }) => path);
  expect(open.sort()).toEqual(['/health', '/livez', '/metrics', '/openapi.json', '/readyz']);
  for (const { id, isOpen, answers } of api.operations) {
    expect({ id, refused: [401, 403, 429].filter((status) => answers.has(status)) }).toEqual({
      id,
      refused: isOpen ? [] : [401, 403, 429],
    });
  }
});

test('what asks the store may find it away; what does not, may not', () => {
  const storeless = api.operations.filter(({ answers }) => !answers.has(503)).map(({ path }) => path);
  expect(storeless.sort()).toEqual([
    '/livez',
    '/metrics',
    '/openapi.json',
    '/v1/agent',
    '/v1/events',
    '/v1/held',
  ]);
});

test('every integer says its bounds and its size, and none is beyond 2^53 − 1', () => {
  const integers = schemasIn(api.raw).filter(({ type }) => type === 'integer');
  expect(integers.length).toBeGreaterThan(80);
  for (const schema of integers) {
    const { minimum, maximum, format } = integerForm(schema);
    expect(minimum).toBeGreaterThanOrEqual(Number.MIN_SAFE_INTEGER);
    expect(maximum).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
    expect(format).toBe(maximum > 2 ** 31 - 1 ? 'int64' : 'int32');
  }
});

test('every text that may be sent has a longest length, and every number a largest', () => {
  const sent = api.operations.flatMap(({ parameters, body }) => [
    ...parameters.map(({ schema }) => schema),
    ...(body === undefined ? [] : withComponents(body.schema)),
  ]);
  const texts = sent.filter(
    (schema) => schema.type === 'string' && schema.enum === undefined && !('const' in schema),
  );
  expect(texts.length).toBeGreaterThan(20);
  expect(texts.filter(({ maxLength, pattern }) => (maxLength ?? pattern) === undefined)).toEqual([]);
  expect(sent.filter(({ type, maximum }) => type === 'integer' && maximum === undefined)).toEqual([]);
});

test.each([
  ['NewSegment', 'epoch', /2\^32/],
  ['NewSegment', 'endOffset', /inclusive/],
  ['Segment', 'endOffset', /inclusive/],
  ['Partition', 'highWatermark', /next offset/],
  ['CommittedOffset', 'offset', /next offset/],
  ['Held', 'trustedForMs', /from when you sent/],
])('what surprises is said: %s.%s', (schema, field, says) => {
  expect(api.document.components.schemas[schema]).toMatchObject({
    properties: { [field]: { description: expect.stringMatching(says) } },
  });
});

/** Read from what the router prints, not from where the description has it. HEAD is made by fastify for every GET. */
function routesOf(app: HttpApp): { readonly method: string; readonly path: string }[] {
  const above: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const match = /^(?<indent>[│ ]*)[├└]── (?<part>\S*)(?: \((?<methods>[A-Z, ]+)\))?$/.exec(line);
      if (match?.groups === undefined) throw new Error(`cannot read "${line}"`);
      const { indent = '', part = '', methods } = match.groups;
      const depth = indent.length / 4;
      above.splice(depth, Infinity, part);
      const path = above.join('').replaceAll(/:(\w+)/g, '{$1}');
      if (isOfThePage(path)) return [];
      return (methods?.split(', ') ?? [])
        .filter((method) => method !== 'HEAD')
        .map((method) => ({ method, path }));
    });
}

/** All that is in a document, objects within objects. */
function schemasIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(schemasIn);
  return Array.isArray(value) ? inner : [{ ...value }, ...inner];
}

/** A schema, what is in it, and what it points to. */
function withComponents(schema: unknown): Record<string, unknown>[] {
  return schemasIn(schema).flatMap((each) =>
    typeof each['$ref'] === 'string' ? withComponents(api.component(each['$ref'])) : [each],
  );
}

function integerForm({ minimum, maximum, format }: Record<string, unknown>) {
  return { minimum: Number(minimum), maximum: Number(maximum), format };
}
