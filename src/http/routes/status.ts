// The cluster in one page.
import type { AgentState } from '../../domain/agent-state.ts';
import { COORDINATOR } from '../../domain/lease.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentSelf } from '../present/agents.ts';
import { presentCoordinator } from '../present/coordinator.ts';
import { time } from '../present/times.ts';
import { status, type StatusAnswer } from '../schemas/answers/status.ts';
import { noQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

export function statusRoutes(app: HttpApp, { agent, version }: HttpDependencies): void {
  app.get(
    '/v1/status',
    {
      schema: {
        doc: { id: 'getStatus', tag: 'status', summary: 'The cluster in one page' },
        querystring: noQuery,
        response: { 200: status },
      },
    },
    async () => {
      const store = storeOf(agent);
      const [era, coordinator, agents, partitions] = await Promise.all([
        store.currentEra(),
        store.getLease(COORDINATOR),
        store.countAgents(),
        store.countPartitions(),
      ]);
      const self = agent.status();
      return {
        group: self.group,
        version,
        backend: store.backend,
        era: {
          number: era.number,
          since: time(era.since),
          quarantineRestMs: Math.round(era.quarantineRestMs),
        },
        coordinator: presentCoordinator(coordinator),
        agents: presentAgentCounts(agents),
        topics: partitions.topics,
        partitions: {
          total: partitions.total,
          led: partitions.led,
          unled: partitions.total - partitions.led,
        },
        agent: presentSelf(self),
      };
    },
  );
}

/** By state, under the states' own names. */
function presentAgentCounts(counts: Readonly<Record<AgentState, number>>): StatusAnswer['agents'] {
  return { total: Object.values(counts).reduce((sum, count) => sum + count, 0), ...counts };
}
