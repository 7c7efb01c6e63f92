// Partitions with their leaders, and moving a high watermark without a segment.
import { partitionKey } from '../../domain/lease.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { listLedPartitions } from '../led-partitions.ts';
import { presentPage } from '../present/page.ts';
import { presentLedPartition, presentPartition } from '../present/topics.ts';
import { partitionPath, topicPath } from '../schemas/names.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { highWatermarkBody } from '../schemas/segments.ts';
import { fenceOf, storeOf } from '../store-access.ts';

export function partitionRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get(
    '/v1/topics/:topic/partitions',
    { schema: { params: topicPath, querystring: pageQuery } },
    async ({ params, query }) => {
      const page = await listLedPartitions(storeOf(agent), params.topic, query);
      return presentPage(page, 'partitions', ({ partition, lease }) => presentLedPartition(partition, lease));
    },
  );

  app.get(
    '/v1/topics/:topic/partitions/:partition',
    { schema: { params: partitionPath, querystring: noQuery } },
    async ({ params: { topic, partition } }) => {
      const store = storeOf(agent);
      const what = `partition ${topic}/${partition}`;
      const stored = found(await store.getPartition(topic, partition), what);
      return presentLedPartition(stored, found(await store.getLease(partitionKey(topic, partition)), what));
    },
  );

  app.put(
    '/v1/topics/:topic/partitions/:partition/high-watermark',
    { schema: { params: partitionPath, querystring: noQuery, body: highWatermarkBody } },
    async ({ params: { topic, partition }, body: { epoch, offset } }) => {
      const fence = fenceOf(agent, epoch);
      return presentPartition(await storeOf(agent).advanceHighWatermark(fence, topic, partition, offset));
    },
  );
}
