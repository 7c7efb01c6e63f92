// Sends problems: from routes and hooks, from fastify before it has a route, and from Node before there is a request at all.
import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { setAnswerHeaders } from './answer-headers.ts';
import { changesSomething, logRequest, pathOf } from './access-log.ts';
import type { HttpApp } from './http-app.ts';
import type { HttpLog } from './dependencies.ts';
import { problemJson, problemOf } from './problem.ts';

const contentType = 'application/problem+json';

export function answerErrors(app: HttpApp, log: HttpLog): void {
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, log));
}

/** For requests that no route could be looked up for (a malformed path): hooks do not run for them. */
export function answerFrameworkError(
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
  log: HttpLog,
): void {
  setAnswerHeaders(request, reply);
  sendProblem(error, request, reply, log);
  logRequest(log, request, reply);
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, log: HttpLog): void {
  const problem = problemOf(error, { changes: changesSomething(request) });
  const { id: requestId } = request;
  const instance = pathOf(request);
  if (problem.code === 'internal') {
    log.error(
      { err: error, requestId, method: request.method, path: instance },
      'request failed by a fault of ours',
    );
  } else if (problem.code === 'unavailable') {
    log.debug(
      { err: error, requestId, method: request.method, path: instance },
      'store unavailable for a request',
    );
  }
  void reply
    .code(problem.status)
    .headers({ ...problem.headers, 'content-type': contentType })
    .send(problemJson(problem, { instance, requestId }));
}

const statusOfClientError: Readonly<Record<string, { status: number; detail: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'the request took too long to arrive' },
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'the request line and headers are larger than 16 KiB' },
};

/** Bytes that are no HTTP request: there is nothing to route and nobody to name, but still an answer. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  // A failed TLS handshake leaves nothing to answer through.
  if (error.code === 'ECONNRESET' || /^ERR_(SSL|TLS)_/.test(error.code ?? '') || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, detail } = statusOfClientError[error.code ?? ''] ?? {
    status: 400,
    detail: 'this is not an HTTP request that can be read',
  };
  const body = problemJson({ code: 'invalid', status, detail, facts: {}, headers: {} }, {});
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${contentType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
