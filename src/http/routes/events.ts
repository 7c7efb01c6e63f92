// The event stream: what happens to this agent, for the broker beside it and for whoever watches.
import type { FastifyReply } from 'fastify';
import { logRequest } from '../access-log.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { EventStreams, type EventStreamsOptions } from '../events/event-streams.ts';
import type { StreamNames } from '../events/stream-names.ts';
import type { HttpApp } from '../http-app.ts';
import { eventsQuery } from '../schemas/events.ts';

export function eventRoutes(
  app: HttpApp,
  deps: HttpDependencies & { readonly names: StreamNames },
  options: EventStreamsOptions,
): void {
  const streams = new EventStreams(deps, options);
  app.addHook('preClose', async () => streams.close());

  app.get(
    '/v1/events',
    { schema: { querystring: eventsQuery }, config: { sameOriginOnly: true } },
    async (request, reply) => {
      // Asked for the head alone, no stream begins.
      if (request.method === 'HEAD') return reply.type('text/event-stream').send();
      streams.admit();
      reply.hijack();
      // Not every end of a stream is one that fastify notices.
      reply.raw.once('close', () => logRequest(deps.log, request, reply));
      const { attach, stream } = request.query;
      const lastEventId = request.headers['last-event-id'];
      streams.open(reply.raw, headersOf(reply), {
        stream,
        isBroker: attach === 'broker',
        lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
        requestId: request.id,
      });
      return reply;
    },
  );
}

/** What hooks have set so far; fastify no longer sends it. */
function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
}
