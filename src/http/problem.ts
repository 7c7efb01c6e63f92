// Errors as callers see them: one of a closed set of codes, its status, a sentence, and the facts needed to act (RFC 9457).
import { STATUS_CODES } from 'node:http';
import {
  Refusal,
  type RefusalCode,
  type RefusalFacts,
  StoreMisconfigured,
  StoreUnavailable,
} from '../domain/refusal.ts';
import type { ProblemAnswer } from './schemas/answers/problem.ts';

export type ProblemCode =
  | RefusalCode
  | 'unauthorized'
  | 'forbidden'
  | 'method_not_allowed'
  | 'too_large'
  | 'unsupported_media_type'
  | 'rate_limited'
  | 'unavailable'
  /** A bug of ours: logged, never explained to the caller. */
  | 'internal';

export const problemStatus: Readonly<Record<ProblemCode, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  already_exists: 409,
  lease_held: 409,
  fenced: 409,
  no_lease: 409,
  session_lost: 409,
  offset_gap: 409,
  offset_overlap: 409,
  conflict: 409,
  internal: 500,
  unavailable: 503,
};

/** When a store that did not answer is worth asking again, milliseconds. */
const retryAfterMs = 1_000;

export interface Problem {
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string;
  /** What the caller needs to act, beside the standard members: `currentEpoch`, `holder`, … */
  readonly facts: RefusalFacts & { readonly retryAfterMs?: number };
  readonly headers: Readonly<Record<string, string>>;
}

/** A refusal by the HTTP layer itself; what the store refuses comes as `Refusal`. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: ProblemCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.code = code;
    this.headers = headers;
    this.facts = facts;
  }
}

function problem(code: ProblemCode, detail: string, more: Partial<Problem> = {}): Problem {
  return { code, status: problemStatus[code], detail, facts: {}, headers: {}, ...more };
}

/** What an error means to the caller. `changes`: whether the request was one that changes something. */
export function problemOf(error: unknown, request: { readonly changes: boolean }): Problem {
  if (error instanceof Refusal) return problem(error.code, error.message, { facts: { ...error.facts } });
  if (error instanceof HttpRefusal)
    return problem(error.code, error.message, { headers: error.headers, facts: error.facts });
  if (error instanceof StoreUnavailable)
    return unavailable(error.message, request.changes, error.outcomeUnknown);
  if (error instanceof StoreMisconfigured) return unavailable(error.message, request.changes, false);
  return (
    frameworkProblem(error) ??
    problem('internal', 'a fault in this program; its log has it under this requestId')
  );
}

function unavailable(message: string, changes: boolean, outcomeUnknown: boolean): Problem {
  const outcome = outcomeUnknown
    ? 'the change may have taken effect: the same request may be sent again'
    : 'nothing was changed: the same request may be sent again';
  return problem('unavailable', changes ? `${message}; ${outcome}` : message, {
    facts: { retryAfterMs },
    headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) },
  });
}

/** Errors that fastify makes of what it was sent carry their status; anything without one is not the caller's fault. */
function frameworkProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  switch (error.statusCode) {
    case 413:
      return problem('too_large', 'a body has at most 1 MiB');
    case 415:
      return problem(
        'unsupported_media_type',
        'a body is sent as application/json, and its Content-Type says so',
      );
    default: {
      const status = Number(error.statusCode);
      return status >= 400 && status < 500 ? problem('invalid', error.message) : undefined;
    }
  }
}

/** The body of the answer. `instance` is the path that was asked for. */
export function problemJson(
  problem: Problem,
  about: { readonly instance?: string; readonly requestId?: string },
): string {
  const { code, status, detail, facts } = problem;
  const answer: ProblemAnswer = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? '',
    status,
    code,
    detail,
    ...about,
    ...facts,
  };
  return JSON.stringify(answer);
}
