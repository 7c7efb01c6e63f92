// The HTTP application put together: what is checked before any route, what errors look like, and the routes by resource.
import { fastify } from 'fastify';
import { logAccess } from './access-log.ts';
import { requestIdOf, setAnswerHeaders } from './answer-headers.ts';
import { type Authentication, demandTokens } from './authentication.ts';
import type { HttpDependencies } from './dependencies.ts';
import { allowHosts, keepMetricsDoorNarrow, refuseForeignOrigins } from './guards.ts';
import type { HttpApp } from './http-app.ts';
import { readJsonBodies } from './json-body.ts';
import { refuseUnknownPaths } from './known-paths.ts';
import { answerErrors, answerFrameworkError } from './problem-answers.ts';
import { agentRoutes } from './routes/agents.ts';
import { consoleRoutes } from './routes/console.ts';
import { StreamNames } from './events/stream-names.ts';
import { electionRoutes } from './routes/elections.ts';
import { eventRoutes } from './routes/events.ts';
import { groupRoutes } from './routes/groups.ts';
import { healthRoutes } from './routes/health.ts';
import { heldRoutes } from './routes/held.ts';
import { leaseRoutes } from './routes/leases.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { offsetRoutes } from './routes/offsets.ts';
import { openApiRoutes } from './routes/openapi.ts';
import { partitionRoutes } from './routes/partitions.ts';
import { segmentRoutes } from './routes/segments.ts';
import { selfRoutes } from './routes/self.ts';
import { statusRoutes } from './routes/status.ts';
import { planRoutes } from './routes/plan.ts';
import { rebalanceRoutes } from './routes/rebalance.ts';
import { explainRoutes } from './routes/explain.ts';
import { steeringRoutes } from './routes/steering.ts';
import { topicRoutes } from './routes/topics.ts';
import { countRequests } from './request-metrics.ts';
import { answerAsIs, compileValidator, type ZodTypes } from './validation.ts';

export interface AppOptions {
  readonly allowedHosts: readonly string[];
  /** Event streams open at a time. Default 1,000. */
  readonly eventStreamsMax?: number | undefined;
  /** Default: no token is asked for. */
  readonly authentication?: Authentication | undefined;
}

const eventStreamsMaxDefault = 1_000;

/** Longer than any request line Node accepts (16 KiB of headers), so that our own rule for names refuses long ones. */
const pathPartLengthMax = 16_384;

/** All routes and rules, without a listener: those hand it their requests (`routing`). */
export function createApp(deps: HttpDependencies, options: AppOptions): HttpApp {
  const app = newApp(deps);
  readJsonBodies(app);
  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(answerAsIs);
  answerErrors(app, deps.log);
  logAccess(app, deps.log);

  // In this order: who may speak to us at all, then what exists, then bodies.
  app.addHook('onRequest', async (request, reply) => setAnswerHeaders(request, reply));
  countRequests(app, deps.instruments);
  keepMetricsDoorNarrow(app);
  allowHosts(app, options.allowedHosts);
  refuseForeignOrigins(app);
  if (options.authentication !== undefined) demandTokens(app, options.authentication, deps.instruments);
  refuseUnknownPaths(app);
  closeConnectionsWhenClosing(app);

  openApiRoutes(app, deps);
  consoleRoutes(app);
  healthRoutes(app, deps);
  metricsRoutes(app, deps);
  selfRoutes(app, deps);
  statusRoutes(app, deps);
  agentRoutes(app, deps);
  leaseRoutes(app, deps);
  steeringRoutes(app, deps);
  planRoutes(app, deps);
  rebalanceRoutes(app, deps);
  explainRoutes(app, deps);
  heldRoutes(app, deps);
  const streamNames = new StreamNames();
  eventRoutes(
    app,
    { ...deps, names: streamNames },
    { streamsMax: options.eventStreamsMax ?? eventStreamsMaxDefault },
  );
  electionRoutes(app, { ...deps, streams: streamNames });
  topicRoutes(app, deps);
  partitionRoutes(app, deps);
  segmentRoutes(app, deps);
  groupRoutes(app, deps);
  offsetRoutes(app, deps);
  return app;
}

function newApp(deps: HttpDependencies): HttpApp {
  const app = fastify({
    // What reaches us on an open connection while we stop is answered, and the connection then closed.
    return503OnClosing: false,
    routerOptions: { maxParamLength: pathPartLengthMax },
    genReqId: requestIdOf,
    frameworkErrors: (error, request, reply) => answerFrameworkError(error, request, reply, deps.log),
  });
  return app.withTypeProvider<ZodTypes>();
}

/** Else a client's idle keep-alive connection would hold up the stop until it times out. */
function closeConnectionsWhenClosing(app: HttpApp): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
}
