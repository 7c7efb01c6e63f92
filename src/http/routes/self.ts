// This agent as it sees itself: answered without the store.
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentSelf } from '../present/agents.ts';
import { self } from '../schemas/answers/agents.ts';
import { noQuery } from '../schemas/page.ts';

export function selfRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get(
    '/v1/agent',
    {
      schema: {
        doc: { id: 'getSelf', tag: 'status', summary: 'This agent as it sees itself', isStoreless: true },
        querystring: noQuery,
        response: { 200: self },
      },
    },
    async () => presentSelf(agent.status()),
  );
}
