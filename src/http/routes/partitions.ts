// Partitions with their leaders, and moving a high watermark without a segment.
import { partitionKey } from '../../domain/lease.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { listLedPartitions } from '../led-partitions.ts';
import { presentPage } from '../present/page.ts';
import { presentLedPartition, presentPartition } from '../present/topics.ts';
import { ledPartition, ledPartitionPage, partition as partitionAnswer } from '../schemas/answers/topics.ts';
import { partitionPath, topicPath } from '../schemas/names.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { highWatermarkBody } from '../schemas/segments.ts';
import { fenceOf, lookupsOf, storeOf } from '../store-access.ts';

export function partitionRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get(
    '/v1/topics/:topic/partitions',
    {
      schema: {
        doc: {
          id: 'listPartitions',
          tag: 'topics',
          summary: 'The partitions of a topic and who leads them',
          refuses: ['not_found', 'conflict'],
        },
        params: topicPath,
        querystring: pageQuery,
        response: { 200: ledPartitionPage },
      },
    },
    async ({ params, query }) => {
      const page = await listLedPartitions(storeOf(agent), params.topic, query);
      return presentPage(page, 'partitions', ({ partition, lease }) => presentLedPartition(partition, lease));
    },
  );

  app.get(
    '/v1/topics/:topic/partitions/:partition',
    {
      schema: {
        doc: {
          id: 'getPartition',
          tag: 'topics',
          summary: 'A partition and who leads it',
          description:
            'Maybe from memory: what another agent appended may show up to 100 ms later. The list is never from memory.',
          refuses: ['not_found'],
        },
        params: partitionPath,
        querystring: noQuery,
        response: { 200: ledPartition },
      },
    },
    async ({ params: { topic, partition } }) => {
      const lookups = lookupsOf(agent);
      const what = `partition ${topic}/${partition}`;
      const stored = found(await lookups.getPartition(topic, partition), what);
      return presentLedPartition(stored, found(await lookups.getLease(partitionKey(topic, partition)), what));
    },
  );

  app.put(
    '/v1/topics/:topic/partitions/:partition/high-watermark',
    {
      schema: {
        doc: {
          id: 'advanceHighWatermark',
          tag: 'segments',
          summary: 'Advance a high watermark without a segment, under the fence',
          description: 'Ahead of the last segment leaves a gap that reads report; backwards is a conflict.',
          refuses: ['not_found', 'fenced', 'no_lease', 'session_lost', 'conflict'],
        },
        params: partitionPath,
        querystring: noQuery,
        body: highWatermarkBody,
        response: { 200: partitionAnswer },
      },
    },
    async ({ params: { topic, partition }, body: { epoch, offset } }) => {
      const fence = fenceOf(agent, epoch);
      return presentPartition(await storeOf(agent).advanceHighWatermark(fence, topic, partition, offset));
    },
  );
}
