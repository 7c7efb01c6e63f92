// The agents of the group: who they are, what operators say of them, and removing one.
import type { Placement } from '../../domain/agent-state.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { presentAgent } from '../present/agents.ts';
import { presentPage } from '../present/page.ts';
import { agentPath, noBody, removeAgentQuery } from '../schemas/agents.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

/** The operator's verbs. */
const placementBy: Readonly<Record<string, Placement>> = {
  cordon: 'cordoned',
  uncordon: 'open',
  drain: 'draining',
};

export function agentRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get('/v1/agents', { schema: { querystring: pageQuery } }, async (request) => {
    const page = await storeOf(agent).listAgents(request.query);
    const { group } = agent.status();
    return presentPage(page, 'agents', (each) => presentAgent(each, group));
  });

  app.get(
    '/v1/agents/:agentId',
    { schema: { params: agentPath, querystring: noQuery } },
    async ({ params: { agentId } }) => {
      const one = await storeOf(agent).getAgent(agentId);
      return presentAgent(found(one, `agent "${agentId}"`), agent.status().group);
    },
  );

  for (const [verb, placement] of Object.entries(placementBy)) {
    app.post(
      `/v1/agents/:agentId/${verb}`,
      { schema: { params: agentPath, querystring: noQuery, body: noBody } },
      async ({ params: { agentId } }) => {
        const placed = await storeOf(agent).setPlacement(agentId, placement);
        agent.announce('membership');
        return presentAgent(placed, agent.status().group);
      },
    );
  }

  app.delete(
    '/v1/agents/:agentId',
    { schema: { params: agentPath, querystring: removeAgentQuery } },
    async ({ params: { agentId }, query: { force } }) => {
      const result = await storeOf(agent).removeAgent(agentId, { force });
      // One that was asked looks at its session at once, instead of at its next heartbeat.
      agent.announce(result === 'removed' ? 'membership' : 'session');
      return { agentId, result };
    },
  );
}
