// One line per request: info for what changes something, debug for the rest. Paths without their query, and no headers: a
// secret in either must not reach the log.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApp } from './http-app.ts';
import type { HttpLog } from './dependencies.ts';

const pathLengthMax = 512;

/** Methods that only read; everything else counts as a change. */
const reading = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

export function changesSomething(request: { readonly method: string }): boolean {
  return !reading.has(request.method);
}

/** The path that was asked for, without its query and bounded. */
export function pathOf(request: { readonly url: string }): string {
  const [path = ''] = request.url.split('?', 1);
  return path.slice(0, pathLengthMax);
}

export function logAccess(app: HttpApp, log: HttpLog): void {
  app.addHook('onResponse', async (request, reply) => logRequest(log, request, reply));
}

export function logRequest(log: HttpLog, request: FastifyRequest, reply: FastifyReply): void {
  const fields = {
    requestId: request.id,
    method: request.method,
    path: pathOf(request),
    status: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime),
  };
  if (changesSomething(request)) log.info(fields, 'request');
  else log.debug(fields, 'request');
}
