// Liveness, readiness and health. Liveness is the event loop alone: it never depends on the database, so that an outage of
// the store does not restart every agent.
import { z } from 'zod';
import type { AgentView, ReadinessCheck } from '../../coordination/agent-view.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentSelf } from '../present/agents.ts';

const forProbes = { config: { anyHost: true, open: true } } as const;

/** Probes add what they like to a query; only the presence of `verbose` means something. */
const readyQuery = z.looseObject({ verbose: z.unknown().optional() });

export function healthRoutes(app: HttpApp, { agent, version }: HttpDependencies): void {
  app.get('/livez', forProbes, async (_request, reply) => reply.type('text/plain').send('ok'));

  app.get('/readyz', { ...forProbes, schema: { querystring: readyQuery } }, async (request, reply) => {
    const { ready, checks } = readinessOf(agent);
    const text = 'verbose' in request.query ? verbose(checks, ready) : brief(checks, ready);
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(text);
  });

  app.get('/health', forProbes, async (_request, reply) => {
    const { ready, checks } = readinessOf(agent);
    const health = {
      status: ready ? 'ok' : 'unhealthy',
      version,
      checks,
      agent: presentSelf(agent.status()),
    };
    return reply.code(ready ? 200 : 503).send(health);
  });
}

function readinessOf(agent: AgentView): { ready: boolean; checks: readonly ReadinessCheck[] } {
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
