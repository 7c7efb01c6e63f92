// What this agent holds and trusts now, for the broker beside it, and the broker's word that it is done with a term. What is
// held is never from the store: trust is the agent's own.
import { partitionKey, type PartitionKey } from '../../domain/lease.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { presentHeld } from '../present/agents.ts';
import { presentReleased } from '../present/leases.ts';
import { releasedBody, releasedManyBody } from '../schemas/held.ts';
import { partitionPath } from '../schemas/names.ts';
import {
  held,
  released as releasedAnswer,
  releasedMany as releasedManyAnswer,
} from '../schemas/answers/agents.ts';
import { noQuery } from '../schemas/page.ts';
import { acknowledged, storeOf } from '../store-access.ts';

export function heldRoutes(app: HttpApp, { agent, clock }: HttpDependencies): void {
  app.get(
    '/v1/held',
    {
      schema: {
        doc: {
          id: 'getHeld',
          tag: 'broker',
          summary: 'What this agent holds and trusts now',
          isStoreless: true,
        },
        querystring: noQuery,
        response: { 200: held },
      },
    },
    async () => presentHeld(agent.held(), clock.monotonicMs()),
  );

  app.post(
    '/v1/held/:topic/:partition/released',
    {
      schema: {
        doc: {
          id: 'acknowledgeRevoke',
          tag: 'broker',
          summary: 'The broker is done with a partition: its lease is released',
          description:
            'Repeating it is fine while the lease is vacant at that epoch. A term that was not asked back is given up all the same.',
          refuses: ['fenced', 'no_lease', 'not_found'],
        },
        params: partitionPath,
        querystring: noQuery,
        body: releasedBody,
        response: { 200: releasedAnswer },
      },
    },
    async ({ params: { topic, partition }, body: { epoch } }) => {
      const key = partitionKey(topic, partition);
      const [outcome] = await acknowledged(agent, [{ key, epoch }]);
      if (outcome?.outcome !== 'released') throw await refusalOf(key, epoch);
      return { topic, partition, epoch };
    },
  );

  app.post(
    '/v1/held/released',
    {
      schema: {
        doc: {
          id: 'acknowledgeRevokes',
          tag: 'broker',
          summary: 'The broker is done with many partitions at once',
          description: 'Each is named once; each has an outcome of its own.',
        },
        querystring: noQuery,
        body: releasedManyBody,
        response: { 200: releasedManyAnswer },
      },
    },
    async ({ body: { leases } }) => {
      const terms = leases.map(({ topic, partition, epoch }) => ({
        key: partitionKey(topic, partition),
        epoch,
      }));
      return { leases: (await acknowledged(agent, terms)).map(presentReleased) };
    },
  );

  /** Why a term is not there to be given up: another has followed it, or it is not this agent's. */
  async function refusalOf(key: PartitionKey, givenEpoch: number): Promise<Refusal> {
    const what = `partition ${key.topic}/${key.partition}`;
    const { epoch: currentEpoch, agentId: holder } = found(await storeOf(agent).getLease(key), what);
    const facts = { givenEpoch, currentEpoch, holder };
    const isOver = givenEpoch !== currentEpoch;
    return isOver
      ? new Refusal('fenced', `${what} is at epoch ${currentEpoch}: the term ${givenEpoch} is over`, facts)
      : new Refusal('no_lease', `${what} is not held by this agent's session`, facts);
  }
}
