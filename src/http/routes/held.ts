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
import { noQuery } from '../schemas/page.ts';
import { acknowledged, storeOf } from '../store-access.ts';

export function heldRoutes(app: HttpApp, { agent, clock }: HttpDependencies): void {
  app.get('/v1/held', { schema: { querystring: noQuery } }, async () =>
    presentHeld(agent.held(), clock.monotonicMs()),
  );

  app.post(
    '/v1/held/:topic/:partition/released',
    { schema: { params: partitionPath, querystring: noQuery, body: releasedBody } },
    async ({ params: { topic, partition }, body: { epoch } }) => {
      const key = partitionKey(topic, partition);
      const [outcome] = await acknowledged(agent, [{ key, epoch }]);
      if (outcome?.outcome !== 'released') throw await refusalOf(key, epoch);
      return { topic, partition, epoch };
    },
  );

  app.post(
    '/v1/held/released',
    { schema: { querystring: noQuery, body: releasedManyBody } },
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
