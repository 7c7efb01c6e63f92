// Whatever is sent, the answer is one that the API's description has for it: never a fault of ours (nor a 503: this store is well, and
// nobody's input may make it look ill), and what the description forbids is refused and changes nothing.
// FUZZ_RUNS asks for more requests an operation; FUZZ_SEED for others.
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Operation } from './api-description.ts';
import { anyRequest, describedRequest } from './arbitraries.ts';
import { describedApi } from './fixture.ts';
import { FuzzWorld } from './fuzz-world.ts';
import type { ValueOptions } from './json-arbitraries.ts';
import { type RawAnswer, type RawRequest, rawRequest } from './raw-request.ts';
import { faultOfRequest } from './request-faults.ts';

/** Requests an operation. */
const runsAsked = Number(process.env['FUZZ_RUNS'] ?? 30);
/** The same requests every time; another seed is another afternoon's hunt. */
const ourSeed = 20_261_122;
const seed = Number(process.env['FUZZ_SEED'] ?? ourSeed);
const timeout = 60_000 + runsAsked * 200;

/** The HTTP face is the same on both: the second has a third of the requests. */
const backends = [
  { backend: 'postgres', runs: runsAsked },
  { backend: 'sqlite', runs: Math.ceil(runsAsked / 3) },
] as const;

const api = await describedApi();

/** Operations that no request made of their schemas satisfies; each with what it waits for. */
const neverContent: readonly string[] = [];

/** Operations with a rule between fields, or a state, that few requests meet by chance. */
const fewAreContent: ReadonlySet<string> = new Set(['campaign', 'renewCandidacy']);

/** What no schema can say; the description says it in words, and the answer names it. */
const beyondSchemas = [
  /cursor/,
  /must not contain a NUL character/,
  /half of a surrogate pair/,
  /a number beyond 2\^53/,
  /must not be called __proto__/,
  /nested deeper than 32 levels/,
  // Counted in UTF-16 units by us, in code points by JSON Schema.
  /must be a text of (1 to|at most) \d+ characters/,
  /must not be below baseOffset/,
  /must name the same epoch/,
  /does not continue the one before it/,
  /a segment id stands twice/,
  /must name each partition once/,
  /must have either stream/,
  /waitMs must be at most half of holdMs/,
  /expectedEpoch is for an operator/,
];

describe.each(backends)('on $backend', ({ backend, runs }) => {
  let world: FuzzWorld;
  let options: ValueOptions;
  const heard = new Set<string>();
  beforeAll(async () => {
    world = await FuzzWorld.start(backend);
    options = {
      resolve: (ref) => api.component(ref),
      hints: world.hints(),
      hintsOnly: new Set(['partitionCount', 'waitMs']),
    };
  });
  afterAll(async () => world[Symbol.asyncDispose]());

  test.each(api.operations)(
    '$id answers as described, and refuses what is not',
    async (operation) => {
      const property = fc.asyncProperty(describedRequest(operation, options), async (request) => {
        const { status } = await held(operation, request);
        heard.add(`${operation.id} ${status < 300 ? 'content' : status}`);
      });
      const times = fewAreContent.has(operation.id) ? 4 : 1;
      await fc.assert(property, { numRuns: times * runs, seed });
      expect(await world.isUnchanged()).toBe(true);
      expect(errorsLogged()).toEqual([]);
    },
    timeout,
  );

  // The generators are worth something only as long as they reach past the first check, and not only past it.
  if (seed === ourSeed && runs === runsAsked)
    test('each operation was content once, and once refused what was wrong', () => {
      const expected = api.operations.flatMap(({ id, isOpen }) => [
        ...(neverContent.includes(id) ? [] : [`${id} content`]),
        ...(isOpen ? [] : [`${id} 400`]),
      ]);
      expect(expected.filter((each) => !heard.has(each))).toEqual([]);
    });

  test(
    'any request at all leads to no fault',
    async () => {
      const statuses = new Set<number>();
      const property = fc.asyncProperty(anyRequest(api), async (request) => {
        const answer = await rawRequest(world.http.server.port, request);
        statuses.add(answer.status);
        expect(faultOfAnswer(request, answer)).toBeUndefined();
      });
      await fc.assert(property, { numRuns: 5 * runs, seed });
      await world.mend();
      expect(errorsLogged()).toEqual([]);
      expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 403, 404, 405]));
    },
    timeout,
  );

  test('without a store nothing is worse than 503', async () => {
    const requests = fc.oneof(...api.operations.map((operation) => describedRequest(operation, options)));
    world.http.agent.store = undefined;
    try {
      const property = fc.asyncProperty(requests, async (request) => {
        const answer = await rawRequest(world.http.server.port, request);
        expect(answer.status).toBeLessThanOrEqual(503);
        expect(fault(request, answer)).toBeUndefined();
      });
      await fc.assert(property, { numRuns: 2 * runs, seed });
    } finally {
      world.http.agent.store = world.http.store;
    }
    expect(await world.isUnchanged()).toBe(true);
    expect(errorsLogged()).toEqual([]);
  });

  /** Sends a request and holds the answer and the store to what the description says. */
  async function held(operation: Operation, request: RawRequest): Promise<RawAnswer> {
    const wrong = faultOfRequest(api, operation, request);
    const answer = await rawRequest(world.http.server.port, request);
    const { status } = answer;
    expect(faultOfAnswer(request, answer)).toBeUndefined();
    if (wrong !== undefined && status < 400) throw new Error(`${status}, although wrong: ${wrong}`);
    if (wrong === undefined && status === 400 && !beyondSchemas.some((rule) => rule.test(answer.text))) {
      throw new Error(`refused although it is as described: ${answer.text}`);
    }
    if (operation.method === 'GET') return answer;
    if (status < 400) await world.mend();
    else expect(await world.isUnchanged()).toBe(true);
    return answer;
  }

  function errorsLogged(): unknown[] {
    return world.http.lines.splice(0).filter(({ level }) => level === 'error');
  }
});

function faultOfAnswer(request: RawRequest, answer: RawAnswer): string | undefined {
  return answer.status >= 500 ? `${answer.status} ${answer.text}` : fault(request, answer);
}

function fault(
  { method = 'GET', path }: RawRequest,
  { status, headers, text }: RawAnswer,
): string | undefined {
  const [mediaType] = String(headers['content-type'] ?? '').split(';', 1);
  const body: unknown = mediaType?.includes('json') === true && text !== '' ? JSON.parse(text) : text;
  return api.faultOf(method, path, { status, mediaType, body });
}
