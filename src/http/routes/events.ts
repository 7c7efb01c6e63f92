// The event stream: what happens to this agent, for the broker beside it and for whoever watches.
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { logRequest } from '../access-log.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { EventStreams, type EventStreamsOptions } from '../events/event-streams.ts';
import type { StreamNames } from '../events/stream-names.ts';
import type { HttpApp } from '../http-app.ts';
import { eventsHeaders, eventsQuery } from '../schemas/events.ts';

const about = `Ids are \`<session>:<n>\`; with \`Last-Event-ID\` a stream goes on where it was cut, as long as the agent remembers, else it begins anew.

First comes \`snapshot\`, in parts of 1,000 leases, the last of which has an id: \`{stream, part, parts, agentId, sessionId, state, trustedForMs, leases}\`. Then what happens: \`lease.granted\` \`{topic, partition, epoch, highWatermark}\`, \`lease.revoking\` \`{…, deadlineMs, to}\`, \`lease.lost\` \`{…, reason}\`, \`session.suspended\`, \`session.resumed\`, \`election.won\` and \`election.lost\` \`{name, candidate, epoch}\`, \`assignment.changed\`, \`agent.changed\`. While the agent trusts its session, \`beat\` \`{trustedForMs}\` twice a second: a broker that hears none for 1.5 s stops. \`dropped\` and \`closing\` say why a stream ends.`;

export function eventRoutes(
  app: HttpApp,
  deps: HttpDependencies & { readonly names: StreamNames },
  options: EventStreamsOptions,
): void {
  const streams = new EventStreams(deps, options);
  app.addHook('preClose', async () => streams.close());

  app.get(
    '/v1/events',
    {
      config: { sameOriginOnly: true, isStream: true },
      schema: {
        doc: {
          id: 'followEvents',
          tag: 'broker',
          summary: 'What happens to this agent, as server-sent events',
          description: about,
          refuses: ['rate_limited'],
          isStoreless: true,
          answersAs: 'text/event-stream',
          answerHeaders: {
            'streamhouse-stream': "The stream's name, for campaigns that live as long as it does.",
          },
        },
        querystring: eventsQuery,
        headers: eventsHeaders,
        response: { 200: z.string() },
      },
    },
    async (request, reply) => {
      // Asked for the head alone, no stream begins.
      if (request.method === 'HEAD') return reply.type('text/event-stream').send('');
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
