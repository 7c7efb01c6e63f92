// Segments of a partition: append under the fence, list, find an offset, delete what retention no longer keeps.
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentPage } from '../present/page.ts';
import { presentLocation, presentSegment } from '../present/segments.ts';
import { partitionPath } from '../schemas/names.ts';
import { noQuery } from '../schemas/page.ts';
import { appendBody, deleteSegmentsQuery, offsetPath, segmentsQuery } from '../schemas/segments.ts';
import { fenceOf, storeOf } from '../store-access.ts';

const path = '/v1/topics/:topic/partitions/:partition/segments';

export function segmentRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.post(
    path,
    { schema: { params: partitionPath, querystring: noQuery, body: appendBody } },
    async ({ params: { topic, partition }, body }, reply) => {
      const batch = Array.isArray(body) ? body : [body];
      // The schema has seen to it that a batch is not empty and names one epoch.
      const fence = fenceOf(agent, batch[0]?.epoch ?? 0);
      const answer = await storeOf(agent).appendSegments(fence, topic, partition, batch);
      const { highWatermark } = answer;
      const presented = answer.segments.map(presentSegment);
      return reply
        .code(answer.outcome === 'appended' ? 201 : 200)
        .send(
          Array.isArray(body) ? { segments: presented, highWatermark } : { ...presented[0], highWatermark },
        );
    },
  );

  app.get(
    path,
    { schema: { params: partitionPath, querystring: segmentsQuery } },
    async ({ params: { topic, partition }, query: { from, limit, cursor } }) => {
      const page = await storeOf(agent).listSegments(topic, partition, from, { limit, cursor });
      return presentPage(page, 'segments', presentSegment);
    },
  );

  app.get(
    `${path}/at/:offset`,
    { schema: { params: offsetPath, querystring: noQuery } },
    async ({ params: { topic, partition, offset } }) =>
      presentLocation(await storeOf(agent).findSegment(topic, partition, offset)),
  );

  app.delete(
    path,
    { schema: { params: partitionPath, querystring: deleteSegmentsQuery } },
    async ({ params: { topic, partition }, query: { before, limit } }) => {
      const { removed, more } = await storeOf(agent).deleteSegmentsBefore(topic, partition, before, limit);
      return { removed: removed.map(presentSegment), more };
    },
  );
}
