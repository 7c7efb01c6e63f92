// One line per request: info for what an operator changes, debug for reads and for the stream of appends and commits. Paths without their query, and no headers: a
// secret in either must not reach the log.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApp } from './http-app.ts';
import type { HttpLog } from './dependencies.ts';

const pathLengthMax = 512;

/** Methods that only read; everything else counts as a change. */
const reading = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** What brokers and consumers write all the time. */
const isData = /\/(segments|high-watermark)$|\/offsets(\/|$)/;

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

/** Requests whose line is written: fastify does not notice every way that an answer may end, so that others tell of it too. */
const logged = new WeakSet<FastifyRequest>();

export function logRequest(log: HttpLog, request: FastifyRequest, reply: FastifyReply): void {
  if (logged.has(request)) return;
  logged.add(request);
  const fields = {
    requestId: request.id,
    method: request.method,
    path: pathOf(request),
    status: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime),
  };
  if (changesSomething(request) && !isData.test(fields.path)) log.info(fields, 'request');
  else log.debug(fields, 'request');
}
