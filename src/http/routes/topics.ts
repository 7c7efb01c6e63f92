// Topics: list, look up, create, delete, grow. What changes is announced, so that coordinators plan and agents look.
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { presentPage } from '../present/page.ts';
import { presentTopic } from '../present/topics.ts';
import { topicPath } from '../schemas/names.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { growTopicBody, newTopicBody } from '../schemas/topics.ts';
import { storeOf } from '../store-access.ts';

export function topicRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get('/v1/topics', { schema: { querystring: pageQuery } }, async ({ query }) =>
    presentPage(await storeOf(agent).listTopics(query), 'topics', presentTopic),
  );

  app.post(
    '/v1/topics',
    { schema: { querystring: noQuery, body: newTopicBody } },
    async ({ body }, reply) => {
      const topic = await storeOf(agent).createTopic(body);
      agent.announce('topics');
      return reply.code(201).header('location', `/v1/topics/${topic.name}`).send(presentTopic(topic));
    },
  );

  app.get('/v1/topics/:topic', { schema: { params: topicPath, querystring: noQuery } }, async ({ params }) =>
    presentTopic(found(await storeOf(agent).getTopic(params.topic), `topic "${params.topic}"`)),
  );

  app.delete(
    '/v1/topics/:topic',
    { schema: { params: topicPath, querystring: noQuery } },
    async ({ params }, reply) => {
      await storeOf(agent).deleteTopic(params.topic);
      agent.announce('topics');
      return reply.code(204).send();
    },
  );

  app.post(
    '/v1/topics/:topic/partitions',
    { schema: { params: topicPath, querystring: noQuery, body: growTopicBody } },
    async ({ params, body }) => {
      const topic = await storeOf(agent).addPartitions(params.topic, body.partitionCount);
      agent.announce('topics');
      return presentTopic(topic);
    },
  );
}
