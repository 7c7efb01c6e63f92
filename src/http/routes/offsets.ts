// Committed offsets of a consumer group. Not fenced: a consumer is not a leader. An unknown group is created by its first commit.
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { presentOffset } from '../present/groups.ts';
import { committedOffset, committedOffsets } from '../schemas/answers/groups.ts';
import { commitBatchBody, commitBody, groupOffsetPath, groupPath } from '../schemas/groups.ts';
import { noQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

const onePath = '/v1/groups/:group/offsets/:topic/:partition';

export function offsetRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get(
    onePath,
    {
      schema: {
        doc: { id: 'getOffset', tag: 'groups', summary: 'A committed offset', refuses: ['not_found'] },
        params: groupOffsetPath,
        querystring: noQuery,
        response: { 200: committedOffset },
      },
    },
    async ({ params }) => {
      const { group, topic, partition } = params;
      const committed = await storeOf(agent).getCommittedOffset(group, topic, partition);
      return presentOffset(
        found(committed, `the committed offset of group "${group}" for ${topic}/${partition}`),
      );
    },
  );

  app.put(
    onePath,
    {
      schema: {
        doc: {
          id: 'commitOffset',
          tag: 'groups',
          summary: 'Commit an offset; an unknown group is created',
          refuses: ['not_found', 'conflict'],
        },
        params: groupOffsetPath,
        querystring: noQuery,
        body: commitBody,
        response: { 200: committedOffset },
      },
    },
    async ({ params: { group, topic, partition }, body: { offset, metadata } }) => {
      const [committed] = await storeOf(agent).commitOffsets(group, [{ topic, partition, offset, metadata }]);
      return presentOffset(found(committed, `partition ${topic}/${partition}`));
    },
  );

  app.post(
    '/v1/groups/:group/offsets',
    {
      schema: {
        doc: {
          id: 'commitOffsets',
          tag: 'groups',
          summary: 'Commit several offsets, all or none; an unknown group is created',
          refuses: ['not_found', 'conflict'],
        },
        params: groupPath,
        querystring: noQuery,
        body: commitBatchBody,
        response: { 200: committedOffsets },
      },
    },
    async ({ params: { group }, body }) => {
      const commits = Array.isArray(body) ? body : body.offsets;
      const committed = await storeOf(agent).commitOffsets(group, commits);
      return { offsets: committed.map(presentOffset) };
    },
  );
}
