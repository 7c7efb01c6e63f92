// What this agent holds and trusts now, for the broker beside it. Never from the store: trust is the agent's own.
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentHeld } from '../present/agents.ts';
import { held } from '../schemas/answers/agents.ts';
import { noQuery } from '../schemas/page.ts';

export function heldRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get(
    '/v1/held',
    {
      schema: {
        doc: {
          id: 'getHeld',
          tag: 'broker',
          summary: 'What this agent holds and trusts now',
          isStoreless: true,
        },
        querystring: noQuery,
        response: { 200: held },
      },
    },
    async () => presentHeld(agent.held()),
  );
}
