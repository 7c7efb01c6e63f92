// The agents of the group: who they are, what operators say of them, and removing one.
import type { Placement } from '../../domain/agent-state.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { presentAgent } from '../present/agents.ts';
import { presentPage } from '../present/page.ts';
import { agentPath, noBody, removeAgentQuery } from '../schemas/agents.ts';
import { agent as agentAnswer, agentPage, agentRemoval } from '../schemas/answers/agents.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

/** The operator's verbs. Each stays until another is said, over all restarts. */
const verbs: readonly { readonly verb: string; readonly placement: Placement; readonly summary: string }[] = [
  { verb: 'cordon', placement: 'cordoned', summary: 'Give an agent nothing new; it keeps what it has' },
  { verb: 'uncordon', placement: 'open', summary: 'Give an agent work again' },
  { verb: 'drain', placement: 'draining', summary: 'Give an agent nothing new and hand over all it has' },
];

export function agentRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get(
    '/v1/agents',
    {
      schema: {
        doc: { id: 'listAgents', tag: 'agents', summary: 'The agents of the group, by name' },
        querystring: pageQuery,
        response: { 200: agentPage },
      },
    },
    async (request) => {
      const page = await storeOf(agent).listAgents(request.query);
      const { group } = agent.status();
      return presentPage(page, 'agents', (each) => presentAgent(each, group));
    },
  );

  app.get(
    '/v1/agents/:agentId',
    {
      schema: {
        doc: { id: 'getAgent', tag: 'agents', summary: 'One agent', refuses: ['not_found'] },
        params: agentPath,
        querystring: noQuery,
        response: { 200: agentAnswer },
      },
    },
    async ({ params: { agentId } }) => {
      const one = await storeOf(agent).getAgent(agentId);
      return presentAgent(found(one, `agent "${agentId}"`), agent.status().group);
    },
  );

  for (const { verb, placement, summary } of verbs) {
    app.post(
      `/v1/agents/:agentId/${verb}`,
      {
        schema: {
          doc: { id: `${verb}Agent`, tag: 'agents', summary, refuses: ['not_found'] },
          params: agentPath,
          querystring: noQuery,
          body: noBody,
          response: { 200: agentAnswer },
        },
      },
      async ({ params: { agentId } }) => {
        const placed = await storeOf(agent).setPlacement(agentId, placement);
        agent.announce('membership');
        return presentAgent(placed, agent.status().group);
      },
    );
  }

  app.delete(
    '/v1/agents/:agentId',
    {
      schema: {
        doc: {
          id: 'removeAgent',
          tag: 'agents',
          summary: 'Forget a dead agent, or tell a live one to end its session',
          refuses: ['not_found', 'conflict'],
        },
        params: agentPath,
        querystring: removeAgentQuery,
        response: { 200: agentRemoval },
      },
    },
    async ({ params: { agentId }, query: { force } }) => {
      const result = await storeOf(agent).removeAgent(agentId, { force });
      // One that was asked looks at its session at once, instead of at its next heartbeat.
      agent.announce(result === 'removed' ? 'membership' : 'session');
      return { agentId, result };
    },
  );
}
