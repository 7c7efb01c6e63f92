// Whatever is sent, the answer is never a fault of ours: no 5xx, and problems in the form they promise. (A 503
// would be one too: this store is well, and nobody's input may make it look ill.)
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyRequest, fittingRequest } from './arbitraries.ts';
import { type Fixture, startFixture } from './fixture.ts';
import { type RawAnswer, rawRequest } from './raw-request.ts';

const runs = Number(process.env['FUZZ_RUNS'] ?? 400);
/** The same requests every time; another seed is another afternoon's hunt. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_122);

describe.each(['postgres', 'sqlite'] as const)('on %s', (backend) => {
  let http: Fixture;
  beforeAll(async () => {
    http = await startFixture({ backend });
    await http.ask('POST', '/v1/topics', { name: 't', partitionCount: 2 });
    await http.acquire('t', 0);
  });
  afterAll(async () => http[Symbol.asyncDispose]());

  // The generators are worth something only as long as they reach past the first check: hence the statuses.
  test.each([
    ['any request at all', anyRequest, [400, 404, 405]],
    ['a request that fits its route', fittingRequest, [200, 201, 400, 404, 409]],
  ] as const)('%s leads to no fault', async (_what, requests, statusesExpected) => {
    const statuses = new Set<number>();
    const property = fc.asyncProperty(requests, async (request) => {
      const answer = await rawRequest(http.server.port, request);
      statuses.add(answer.status);
      expect(faultOf(answer, request.method)).toBeUndefined();
    });
    await fc.assert(property, { numRuns: runs, seed });
    expect(http.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect([...statuses]).toEqual(expect.arrayContaining([...statusesExpected]));
  });
});

/** What an answer must never be: a 5xx, or an error that is not a problem. */
function faultOf({ status, text, headers }: RawAnswer, method: string | undefined): string | undefined {
  if (status >= 500) return `${status} ${text}`;
  if (status < 400 || method === 'HEAD') return undefined;
  const type = String(headers['content-type']);
  if (!type.startsWith('application/problem+json')) return `${status} of type ${type}`;
  const problem: unknown = JSON.parse(text);
  const isProblem =
    typeof problem === 'object' && problem !== null && 'code' in problem && 'detail' in problem;
  return isProblem && 'status' in problem && problem.status === status ? undefined : text;
}
