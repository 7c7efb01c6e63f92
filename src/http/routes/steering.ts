// What operators ask of leases: that a holder gives one up, or that another agent leads. Only the holder, or the death of its
// session, frees a lease; `force` tells that session to end.
import { partitionKey } from '../../domain/lease.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { leaseMove, type LeaseMoveAnswer, leaseRelease } from '../schemas/answers/leases.ts';
import { moveBody, releaseBody } from '../schemas/leases.ts';
import { partitionPath } from '../schemas/names.ts';
import { noQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

export function steeringRoutes(app: HttpApp, { agent }: HttpDependencies): void {
  app.post(
    '/v1/leases/:topic/:partition/release',
    {
      schema: {
        doc: {
          id: 'releaseLease',
          tag: 'leases',
          summary: 'Ask the holder of a partition to give it up',
          description:
            'Its broker is asked first; then whoever the plan wants begins a new term. With force its session is told to end.',
          refuses: ['not_found', 'fenced'],
        },
        params: partitionPath,
        querystring: noQuery,
        body: releaseBody,
        response: { 200: leaseRelease },
      },
    },
    async ({ params: { topic, partition }, body }) => {
      const { expectedEpoch = null, force = false } = body ?? {};
      const store = storeOf(agent);
      const key = partitionKey(topic, partition);
      const answer = await store.requestRelease(key, expectedEpoch);
      const { outcome: result, epoch } = answer;
      if (answer.outcome === 'vacant') return { topic, partition, epoch, agentId: null, result };
      if (force) await store.requestSessionEnd(key, epoch);
      agent.announce('session');
      return { topic, partition, epoch, agentId: answer.agentId, result };
    },
  );

  app.post(
    '/v1/leases/:topic/:partition/move',
    {
      schema: {
        doc: {
          id: 'moveLease',
          tag: 'leases',
          summary: 'Give a partition to another agent',
          description: 'The plan leaves it there as long as that agent takes it.',
          refuses: ['not_found', 'fenced', 'conflict'],
        },
        params: partitionPath,
        querystring: noQuery,
        body: moveBody,
        response: { 200: leaseMove },
      },
    },
    async ({ params: { topic, partition }, body }) => {
      const { expectedEpoch = null, to: wanted = null, force = false } = body ?? {};
      const store = storeOf(agent);
      const { to, holder, epoch } = await store.assign(topic, partition, wanted, expectedEpoch);
      agent.announce('assignment');
      const result = resultOf(holder, to);
      if (force && result === 'asked') {
        await store.requestSessionEnd(partitionKey(topic, partition), epoch);
        agent.announce('session');
      }
      return { topic, partition, epoch, agentId: holder, result, to };
    },
  );
}

function resultOf(holder: string | null, to: string): LeaseMoveAnswer['result'] {
  if (holder === null) return 'vacant';
  return holder === to ? 'in_place' : 'asked';
}
