// Topics: list, look up, create, delete, grow. What changes is announced, so that coordinators plan and agents look.
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { presentPage } from '../present/page.ts';
import { presentTopic } from '../present/topics.ts';
import { topic as topicAnswer, topicPage } from '../schemas/answers/topics.ts';
import { nothing } from '../schemas/answers/values.ts';
import { topicPath } from '../schemas/names.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { growTopicBody, newTopicBody } from '../schemas/topics.ts';
import { lookupsOf, storeOf } from '../store-access.ts';

export function topicRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.get(
    '/v1/topics',
    {
      schema: {
        doc: { id: 'listTopics', tag: 'topics', summary: 'Topics, by name' },
        querystring: pageQuery,
        response: { 200: topicPage },
      },
    },
    async ({ query }) => presentPage(await storeOf(agent).listTopics(query), 'topics', presentTopic),
  );

  app.post(
    '/v1/topics',
    {
      schema: {
        doc: {
          id: 'createTopic',
          tag: 'topics',
          summary: 'Create a topic',
          refuses: ['already_exists'],
          answerHeaders: { Location: 'The path of the topic.' },
        },
        querystring: noQuery,
        body: newTopicBody,
        response: { 201: topicAnswer },
      },
    },
    async ({ body }, reply) => {
      const topic = await storeOf(agent).createTopic(body);
      agent.announce('topics');
      return reply.code(201).header('location', `/v1/topics/${topic.name}`).send(presentTopic(topic));
    },
  );

  app.get(
    '/v1/topics/:topic',
    {
      schema: {
        doc: { id: 'getTopic', tag: 'topics', summary: 'One topic', refuses: ['not_found'] },
        params: topicPath,
        querystring: noQuery,
        response: { 200: topicAnswer },
      },
    },
    async ({ params }) =>
      presentTopic(found(await lookupsOf(agent).getTopic(params.topic), `topic "${params.topic}"`)),
  );

  app.delete(
    '/v1/topics/:topic',
    {
      schema: {
        doc: {
          id: 'deleteTopic',
          tag: 'topics',
          summary: 'Delete a topic with its segments and offsets; epochs stay',
          refuses: ['not_found'],
        },
        params: topicPath,
        querystring: noQuery,
        response: { 204: nothing },
      },
    },
    async ({ params }, reply) => {
      await storeOf(agent).deleteTopic(params.topic);
      agent.announce('topics');
      return reply.code(204).send();
    },
  );

  app.post(
    '/v1/topics/:topic/partitions',
    {
      schema: {
        doc: {
          id: 'growTopic',
          tag: 'topics',
          summary: 'Give a topic more partitions',
          refuses: ['not_found', 'conflict'],
        },
        params: topicPath,
        querystring: noQuery,
        body: growTopicBody,
        response: { 200: topicAnswer },
      },
    },
    async ({ params, body }) => {
      const topic = await storeOf(agent).addPartitions(params.topic, body.partitionCount);
      agent.announce('topics');
      return presentTopic(topic);
    },
  );
}
