// Metrics in Prometheus' text format.
import { z } from 'zod';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';

export function metricsRoutes(app: HttpApp, { instruments: { scrape } }: HttpDependencies): void {
  app.get(
    '/metrics',
    {
      config: { anyHost: true, open: true, forScrapers: true },
      schema: {
        doc: {
          id: 'getMetrics',
          tag: 'health',
          summary: 'Metrics in the text format of Prometheus',
          answersAs: 'text/plain',
        },
        response: { 200: z.string() },
      },
    },
    async (_request, reply) => reply.type(scrape.contentType).send(await scrape.metrics()),
  );
}
