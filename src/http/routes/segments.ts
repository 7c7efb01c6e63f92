// Segments of a partition: append under the fence, list, find an offset, delete what retention no longer keeps.
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentPage } from '../present/page.ts';
import { presentLocation, presentSegment } from '../present/segments.ts';
import { appendAnswer, offsetLocation, removedSegments, segmentPage } from '../schemas/answers/segments.ts';
import { partitionPath } from '../schemas/names.ts';
import { noQuery } from '../schemas/page.ts';
import { appendBody, deleteSegmentsQuery, offsetPath, segmentsQuery } from '../schemas/segments.ts';
import { fenceOf, lookupsOf, storeOf } from '../store-access.ts';

const path = '/v1/topics/:topic/partitions/:partition/segments';

export function segmentRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.post(
    path,
    {
      schema: {
        doc: {
          id: 'appendSegments',
          tag: 'segments',
          summary: 'Append segments under the fence, and advance the high watermark behind them',
          description:
            'One transaction. The first begins at the high watermark. 200: they were stored before, by an earlier attempt.',
          refuses: [
            'not_found',
            'already_exists',
            'fenced',
            'no_lease',
            'session_lost',
            'offset_gap',
            'offset_overlap',
            'conflict',
          ],
        },
        params: partitionPath,
        querystring: noQuery,
        body: appendBody,
        response: { 200: appendAnswer, 201: appendAnswer },
      },
    },
    async ({ params: { topic, partition }, body }, reply) => {
      const batch = Array.isArray(body) ? body : [body];
      // The schema has seen to it that a batch is not empty and names one epoch.
      const fence = fenceOf(agent, batch[0]?.epoch ?? 0);
      const answer = await storeOf(agent).appendSegments(fence, topic, partition, batch);
      const { highWatermark } = answer;
      const presented = answer.segments.map(presentSegment);
      const [only] = Array.isArray(body) ? [] : presented;
      return reply
        .code(answer.outcome === 'appended' ? 201 : 200)
        .send(only === undefined ? { segments: presented, highWatermark } : { ...only, highWatermark });
    },
  );

  app.get(
    path,
    {
      schema: {
        doc: {
          id: 'listSegments',
          tag: 'segments',
          summary: 'Segments in the order of their offsets',
          refuses: ['not_found'],
        },
        params: partitionPath,
        querystring: segmentsQuery,
        response: { 200: segmentPage },
      },
    },
    async ({ params: { topic, partition }, query: { from, limit, cursor } }) => {
      const page = await storeOf(agent).listSegments(topic, partition, from, { limit, cursor });
      return presentPage(page, 'segments', presentSegment);
    },
  );

  app.get(
    `${path}/at/:offset`,
    {
      schema: {
        doc: {
          id: 'findSegment',
          tag: 'segments',
          summary: 'Where an offset lies',
          description:
            'Maybe from memory: what another agent appended may show up to 100 ms later. The list is never from memory.',
          refuses: ['not_found'],
        },
        params: offsetPath,
        querystring: noQuery,
        response: { 200: offsetLocation },
      },
    },
    async ({ params: { topic, partition, offset } }) =>
      presentLocation(await lookupsOf(agent).findSegment(topic, partition, offset)),
  );

  app.delete(
    path,
    {
      schema: {
        doc: {
          id: 'deleteSegments',
          tag: 'segments',
          summary: 'Delete whole segments, the oldest first',
          description:
            'The high watermark stays. Answers what was removed, so that its objects can be deleted too.',
          refuses: ['not_found'],
        },
        params: partitionPath,
        querystring: deleteSegmentsQuery,
        response: { 200: removedSegments },
      },
    },
    async ({ params: { topic, partition }, query: { before, limit } }) => {
      const { removed, more } = await storeOf(agent).deleteSegmentsBefore(topic, partition, before, limit);
      if (removed.length > 0) agent.announce('segments');
      return { removed: removed.map(presentSegment), more };
    },
  );
}
