// The headers that every answer has, and request ids: the caller's own when it is harmless, else a new one; answered and
// logged, so that both sides find the same request.
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

const requestIdHeader = 'x-request-id';

/** Bounded and plain, because it goes into logs and back into a header. */
const requestIdPattern = /^[A-Za-z0-9._:+/=-]{1,128}$/;

export function requestIdOf(request: {
  readonly headers: Record<string, string | string[] | undefined>;
}): string {
  const given = request.headers[requestIdHeader];
  return typeof given === 'string' && requestIdPattern.test(given) ? given : randomUUID();
}

/** Answers are about now, and JSON must never be taken for a page. */
export function setAnswerHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({
    [requestIdHeader]: request.id,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
}
