// Through which listener a request came in: some rules hold for one and not for another.
import type { IncomingMessage, RequestListener } from 'node:http';
import type { FastifyRequest } from 'fastify';

/** `port`: the API's own; `socket`: the Unix socket; `metrics`: the port of scrapers and probes. */
export type Door = 'port' | 'socket' | 'metrics';

const doors = new WeakMap<IncomingMessage, Door>();

/** The handler, with every request remembered as one that came through this door. */
export function through(door: Door, handler: RequestListener): RequestListener {
  return (request, response) => {
    doors.set(request, door);
    handler(request, response);
  };
}

/** What no listener has brought (an injected request) counts as come through the port, which has the strictest rules. */
export function doorOf(request: FastifyRequest): Door {
  return doors.get(request.raw) ?? 'port';
}
