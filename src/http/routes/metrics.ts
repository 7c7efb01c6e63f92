// Metrics in Prometheus' text format.
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';

export function metricsRoutes(app: HttpApp, { metrics }: HttpDependencies): void {
  app.get('/metrics', { config: { anyHost: true, open: true } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics()),
  );
}
