// Leases of partitions: who leads what. Looking one up is how a client finds a partition's leader.
import { partitionKey } from '../../domain/lease.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { presentLease, presentTerm } from '../present/leases.ts';
import { presentPage } from '../present/page.ts';
import { lease as leaseAnswer, leaseHistory, leasePage } from '../schemas/answers/leases.ts';
import { historyQuery, leasesQuery } from '../schemas/leases.ts';
import { partitionPath } from '../schemas/names.ts';
import { noQuery } from '../schemas/page.ts';
import { lookupsOf, storeOf } from '../store-access.ts';

export function leaseRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get(
    '/v1/leases',
    {
      schema: {
        doc: { id: 'listLeases', tag: 'leases', summary: 'Who leads which partitions' },
        querystring: leasesQuery,
        response: { 200: leasePage },
      },
    },
    async ({ query }) => {
      const { topic, agent: agentId, unleased, limit, cursor } = query;
      const page = await storeOf(agent).listPartitionLeases({ topic, agentId, unleased }, { limit, cursor });
      return presentPage(page, 'leases', presentLease);
    },
  );

  app.get(
    '/v1/leases/:topic/:partition',
    {
      schema: {
        doc: {
          id: 'getLease',
          tag: 'leases',
          summary: 'Who leads one partition: how a client finds its leader',
          description: 'Maybe from memory, while signals tell of changes. The list is not.',
          refuses: ['not_found'],
        },
        params: partitionPath,
        querystring: noQuery,
        response: { 200: leaseAnswer },
      },
    },
    async ({ params: { topic, partition } }) => {
      const lease = await lookupsOf(agent).getLease(partitionKey(topic, partition));
      return presentLease(found(lease, `partition ${topic}/${partition}`));
    },
  );

  app.get(
    '/v1/leases/:topic/:partition/history',
    {
      schema: {
        doc: {
          id: 'getLeaseHistory',
          tag: 'leases',
          summary: 'Past terms of a partition',
          description: 'It outlives its topic.',
          refuses: ['not_found'],
        },
        params: partitionPath,
        querystring: historyQuery,
        response: { 200: leaseHistory },
      },
    },
    async ({ params: { topic, partition }, query: { limit } }) => {
      const store = storeOf(agent);
      const key = partitionKey(topic, partition);
      const terms = await store.leaseHistory(key, limit);
      // History outlives its topic; without any, tell a partition nobody ever led from one that is not there.
      if (terms.length === 0) found(await store.getLease(key), `partition ${topic}/${partition}`);
      return { topic, partition, history: terms.map(presentTerm) };
    },
  );
}
