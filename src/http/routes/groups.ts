// Consumer groups: list, one with its committed offsets, delete.
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { presentGroup, presentOffset } from '../present/groups.ts';
import { presentPage } from '../present/page.ts';
import { groupPage, groupWithOffsets } from '../schemas/answers/groups.ts';
import { nothing } from '../schemas/answers/values.ts';
import { groupPath } from '../schemas/groups.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

export function groupRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get(
    '/v1/groups',
    {
      schema: {
        doc: { id: 'listGroups', tag: 'groups', summary: 'Consumer groups, by name' },
        querystring: pageQuery,
        response: { 200: groupPage },
      },
    },
    async ({ query }) => presentPage(await storeOf(agent).listConsumerGroups(query), 'groups', presentGroup),
  );

  app.get(
    '/v1/groups/:group',
    {
      schema: {
        doc: {
          id: 'getGroup',
          tag: 'groups',
          summary: 'A consumer group with its committed offsets',
          refuses: ['not_found'],
        },
        params: groupPath,
        querystring: pageQuery,
        response: { 200: groupWithOffsets },
      },
    },
    async ({ params, query }) => {
      const store = storeOf(agent);
      const group = found(await store.getConsumerGroup(params.group), `consumer group "${params.group}"`);
      const offsets = await store.listCommittedOffsets(params.group, query);
      return { ...presentGroup(group), ...presentPage(offsets, 'offsets', presentOffset) };
    },
  );

  app.delete(
    '/v1/groups/:group',
    {
      schema: {
        doc: {
          id: 'deleteGroup',
          tag: 'groups',
          summary: 'Delete a consumer group and its offsets',
          refuses: ['not_found'],
        },
        params: groupPath,
        querystring: noQuery,
        response: { 204: nothing },
      },
    },
    async ({ params }, reply) => {
      await storeOf(agent).deleteConsumerGroup(params.group);
      return reply.code(204).send();
    },
  );
}
