// Which problems an operation answers: its own, and those that follow from its kind. The one place that says so.
import { STATUS_CODES } from 'node:http';
import { changesSomething } from '../access-log.ts';
import { problemStatus, type ProblemCode } from '../problem.ts';
import type { DescribedRoute } from './routes.ts';

const meanings: Readonly<Record<ProblemCode, string>> = {
  invalid: 'the request breaks a rule of this description; nothing was changed',
  unauthorized: 'the token is missing or wrong',
  forbidden: 'the token may only read, or the Host or the origin is a foreign one',
  not_found: 'what the path or the body names does not exist',
  method_not_allowed: 'the path answers other methods, which Allow lists',
  too_large: 'the body is larger than 1 MiB',
  unsupported_media_type: 'the body is not application/json',
  rate_limited: 'too many requests of this kind; Retry-After says when to come back',
  already_exists: 'the name or id is taken by something else',
  lease_held: 'another session holds the lease',
  fenced: 'the epoch is not the current one; currentEpoch is',
  no_lease: 'the epoch is current, but this agent does not hold the lease; holder does',
  session_lost: "this agent's session has ended",
  offset_gap: 'there would be a gap behind highWatermark',
  offset_overlap: 'there would be an overlap with what ends at highWatermark',
  conflict: 'what is there now does not admit it',
  unavailable:
    'the store did not answer in time, or this agent has no trust now; the outcome of a change may be unknown, and the same request may be sent again',
  internal: 'a fault of this program',
};

/** The codes in one status, for each status. */
export function problemsOf(route: DescribedRoute): ReadonlyMap<number, readonly ProblemCode[]> {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set([...commonProblems(route), ...(route.doc?.refuses ?? [])])) {
    const status = problemStatus[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return byStatus;
}

function commonProblems(route: DescribedRoute): readonly ProblemCode[] {
  if (route.isOpen) return [];
  const ofBodies = ['too_large', 'unsupported_media_type'] as const;
  return [
    'invalid',
    'unauthorized',
    'forbidden',
    'rate_limited',
    ...(changesSomething(route) ? ofBodies : []),
    ...(route.doc?.isStoreless === true ? [] : (['unavailable'] as const)),
  ];
}

/** The response object of one status: common ones are pointed to, so that the description stays short. */
export function problemResponse(status: number, codes: readonly ProblemCode[]) {
  const [only] = codes;
  if (only !== undefined && codes.length === 1) return { $ref: `#/components/responses/${nameOf(only)}` };
  return responseOf(status, codes);
}

/** What they are pointed to: `NotFound` and its like. */
export function problemComponents(routes: readonly DescribedRoute[]): Readonly<Record<string, object>> {
  const components: Record<string, object> = {};
  for (const [status, codes] of routes.flatMap((route) => [...problemsOf(route)])) {
    const [only] = codes;
    if (only !== undefined && codes.length === 1) components[nameOf(only)] = responseOf(status, codes);
  }
  return components;
}

function nameOf(code: ProblemCode): string {
  return code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function responseOf(status: number, codes: readonly ProblemCode[]) {
  const retryAfter = {
    'Retry-After': {
      description: 'Seconds.',
      schema: { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1, format: 'int32' },
    },
  };
  return {
    description: [STATUS_CODES[status], ...codes.map((code) => `- \`${code}\`: ${meanings[code]}`)].join(
      '\n',
    ),
    ...(status === 429 || status === 503 ? { headers: retryAfter } : {}),
    content: {
      'application/problem+json': {
        schema: {
          $ref: '#/components/schemas/Problem',
          properties: { status: { const: status }, code: { enum: codes } },
        },
      },
    },
  };
}
