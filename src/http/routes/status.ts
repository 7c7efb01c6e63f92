// The cluster in one page.
import { COORDINATOR } from '../../domain/lease.ts';
import { PAGE_LIMIT_MAX } from '../../domain/limits.ts';
import type { LeaseView } from '../../store/leases.ts';
import type { MetadataStore } from '../../store/metadata-store.ts';
import type { Page, PageRequest } from '../../store/page.ts';
import type { AgentState } from '../../store/sessions.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentSelf } from '../present/agents.ts';
import { time, timeOrNull } from '../present/times.ts';
import { noQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

export function statusRoutes(app: HttpApp, { agent, version }: HttpDependencies): void {
  app.get('/v1/status', { schema: { querystring: noQuery } }, async () => {
    const store = storeOf(agent);
    const [era, coordinator, agents, topics] = await Promise.all([
      store.currentEra(),
      store.getLease(COORDINATOR),
      countAgents(store),
      countTopics(store),
    ]);
    const self = agent.status();
    return {
      group: self.group,
      version,
      backend: store.backend,
      era: { number: era.number, since: time(era.since) },
      coordinator: presentCoordinator(coordinator),
      agents: agents.byState,
      topics: topics.count,
      partitions: presentPartitionCounts(topics.partitions, agents.leases),
      agent: presentSelf(self),
    };
  });
}

function presentCoordinator(lease: LeaseView | undefined) {
  if (lease === undefined || lease.agentId === null) return null;
  return { agentId: lease.agentId, epoch: lease.epoch, since: timeOrNull(lease.acquiredAt) };
}

/** The two totals are read one after the other; what was created or deleted between them must not show as less than none. */
function presentPartitionCounts(total: number, leases: number) {
  const led = Math.min(leases, total);
  return { total, led, unled: total - led };
}

async function countAgents(store: MetadataStore) {
  const byState: Record<'total' | AgentState, number> = { total: 0, active: 0, expired: 0, dead: 0 };
  let leases = 0;
  for await (const agent of everyItem((page) => store.listAgents(page))) {
    byState.total++;
    byState[agent.state]++;
    leases += agent.leases;
  }
  return { byState, leases };
}

async function countTopics(store: MetadataStore) {
  let count = 0;
  let partitions = 0;
  for await (const topic of everyItem((page) => store.listTopics(page))) {
    count++;
    partitions += topic.partitionCount;
  }
  return { count, partitions };
}

/** Grows with agents and topics, never with partitions. */
async function* everyItem<T>(list: (page: PageRequest) => Promise<Page<T>>): AsyncGenerator<T> {
  let page = await list({ limit: PAGE_LIMIT_MAX });
  yield* page.items;
  while (page.nextCursor !== undefined) {
    page = await list({ limit: PAGE_LIMIT_MAX, cursor: page.nextCursor });
    yield* page.items;
  }
}
