// Counts every request by its route's pattern and the class of its answer, and times those that are answered in one go.
import type { Instruments } from '../metrics/instruments.ts';
import type { HttpApp } from './http-app.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer lasts as long as the client wants: how long that is says nothing about us. */
    readonly isStream?: boolean;
  }
}

/** Must be called before the hooks that refuse requests: those count too. */
export function countRequests(app: HttpApp, instruments: Instruments): void {
  app.addHook('onRequest', async (request, reply) => {
    // Whoever ends it: fastify does not notice every way that an answer may end.
    reply.raw.once('close', () => {
      // A client that left before it was answered has seen no status.
      if (!reply.raw.headersSent) return;
      const { method, routeOptions } = request;
      const route = routeOptions.url ?? 'unmatched';
      const status = `${Math.floor(reply.raw.statusCode / 100)}xx`;
      instruments.httpRequests.inc({ method, route, status });
      if (routeOptions.config.isStream === true) return;
      instruments.httpRequestDuration.observe({ route }, reply.elapsedTime / 1_000);
    });
  });
}
