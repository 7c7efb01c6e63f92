// Liveness, readiness and health. Liveness is the event loop alone: it never depends on the database, so that an outage of
// the store does not restart every agent.
import { z } from 'zod';
import type { AgentView, ReadinessCheck } from '../../coordination/agent-view.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentSelf } from '../present/agents.ts';
import { health as healthAnswer, type HealthAnswer } from '../schemas/answers/status.ts';

const forProbes = { config: { anyHost: true, open: true, forScrapers: true } } as const;

const text = z.string();

/** Probes add what they like to a query; only the presence of `verbose` means something. */
const readyQuery = z.looseObject({
  verbose: z.unknown().optional().meta({ description: 'A line for each check, whatever its value.' }),
});

export function healthRoutes(app: HttpApp, { agent, version }: HttpDependencies): void {
  app.get(
    '/livez',
    {
      ...forProbes,
      schema: {
        doc: {
          id: 'getLiveness',
          tag: 'health',
          summary: 'Whether the process answers',
          answersAs: 'text/plain',
        },
        response: { 200: text },
      },
    },
    async (_request, reply) => reply.type('text/plain').send('ok'),
  );

  app.get(
    '/readyz',
    {
      ...forProbes,
      schema: {
        doc: {
          id: 'getReadiness',
          tag: 'health',
          summary: 'Whether the agent is registered and its store and signals are well',
          answersAs: 'text/plain',
        },
        querystring: readyQuery,
        response: { 200: text, 503: text },
      },
    },
    async (request, reply) => {
      const { ready, checks } = readinessOf(agent);
      const text = 'verbose' in request.query ? verbose(checks, ready) : brief(checks, ready);
      return reply
        .code(ready ? 200 : 503)
        .type('text/plain')
        .send(text);
    },
  );

  app.get(
    '/health',
    {
      ...forProbes,
      schema: {
        doc: { id: 'getHealth', tag: 'health', summary: 'Readiness with every check, and this agent' },
        response: { 200: healthAnswer, 503: healthAnswer },
      },
    },
    async (_request, reply) => {
      const { ready, checks } = readinessOf(agent);
      const health: HealthAnswer = {
        status: ready ? 'ok' : 'unhealthy',
        version,
        checks,
        agent: presentSelf(agent.status()),
      };
      return reply.code(ready ? 200 : 503).send(health);
    },
  );
}

function readinessOf(agent: AgentView): { ready: boolean; checks: ReadinessCheck[] } {
  const checks = agent.readiness().map(({ name, ok, detail }) => ({ name, ok, detail }));
  return { ready: checks.every(({ ok }) => ok), checks };
}

function brief(checks: readonly ReadinessCheck[], ready: boolean): string {
  const failing = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  return ready ? 'ok' : `not ready: ${failing.join(', ')}`;
}

/** In the manner of Kubernetes' own components: a sign, a name and a sentence per check, and the sum. */
function verbose(checks: readonly ReadinessCheck[], ready: boolean): string {
  const lines = checks.map(
    ({ name, ok, detail }) => `[${ok ? '+' : '-'}]${name} ${ok ? 'ok' : 'failed'}: ${detail}`,
  );
  return [...lines, `readyz check ${ready ? 'passed' : 'failed'}`, ''].join('\n');
}
