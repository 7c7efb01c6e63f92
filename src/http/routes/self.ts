// This agent as it sees itself: answered without the store.
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentSelf } from '../present/agents.ts';
import { noQuery } from '../schemas/page.ts';

export function selfRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get('/v1/agent', { schema: { querystring: noQuery } }, async () => presentSelf(agent.status()));
}
