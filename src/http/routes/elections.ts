// Elections: who leads which named role, and the requests of candidates beside this agent and of operators.
import { randomUUID } from 'node:crypto';
import type { Candidacy, CandidacyHold } from '../../coordination/elections.ts';
import { roleKey } from '../../domain/lease.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { leaderByItself, leaderByLease, presentCandidacy } from '../present/elections.ts';
import { presentElection } from '../present/leases.ts';
import { presentPage } from '../present/page.ts';
import { type ReleaseRequestAnswer, releaseRequestsOf } from '../release-requests.ts';
import { campaignBody, electionPath, renewBody, resignBody } from '../schemas/leases.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';
import type { StreamRegistry } from '../stream-registry.ts';

interface ElectionDependencies extends HttpDependencies {
  readonly streams: StreamRegistry;
}

export function electionRoutes(app: HttpApp, deps: ElectionDependencies): void {
  const { agent } = deps;

  app.get('/v1/elections', { schema: { querystring: pageQuery } }, async ({ query }) =>
    presentPage(await storeOf(agent).listRoleLeases(query), 'elections', presentElection),
  );

  app.get(
    '/v1/elections/:name',
    { schema: { params: electionPath, querystring: noQuery } },
    async ({ params: { name } }) => {
      const lease = await storeOf(agent).getLease(roleKey(name));
      return presentElection(found(lease, `election "${name}"`));
    },
  );

  app.post(
    '/v1/elections/:name/campaign',
    { schema: { params: electionPath, querystring: noQuery, body: campaignBody } },
    async ({ params: { name }, body: { candidate = randomUUID(), waitMs, ...on } }) => {
      const candidacy = await agent.elections.campaign(name, candidate, holdOf(deps, on), { waitMs });
      return answer(deps, candidacy);
    },
  );

  app.post(
    '/v1/elections/:name/renew',
    { schema: { params: electionPath, querystring: noQuery, body: renewBody } },
    async ({ params: { name }, body: { candidate, holdMs } }) =>
      answer(deps, agent.elections.renew(name, candidate, holdMs)),
  );

  app.post(
    '/v1/elections/:name/resign',
    { schema: { params: electionPath, querystring: noQuery, body: resignBody.nullish() } },
    async ({ params: { name }, body }) => {
      const { candidate, expectedEpoch } = body ?? {};
      if (candidate === undefined) return askBack(deps, name, expectedEpoch ?? null);
      await agent.elections.resign(name, candidate);
      return { name, candidate, outcome: 'resigned' };
    },
  );
}

/** The store is asked only for who leads instead: a leader hears how long it is trusted also while the store is away. */
async function answer({ agent }: HttpDependencies, candidacy: Candidacy) {
  const itself = leaderByItself(candidacy, agent.status().agentId);
  if (itself !== undefined) return presentCandidacy(candidacy, itself);
  return presentCandidacy(candidacy, leaderByLease(await storeOf(agent).getLease(roleKey(candidacy.name))));
}

function holdOf(
  { streams }: ElectionDependencies,
  on: { readonly stream?: string | undefined; readonly holdMs?: number | undefined },
): CandidacyHold {
  if (on.stream === undefined) return { by: 'renewal', holdMs: on.holdMs ?? 0 };
  const ended = streams.signalOf(on.stream);
  if (ended === undefined) {
    throw new Refusal(
      'conflict',
      `no event stream "${on.stream}" is open here; open GET /v1/events?stream=${on.stream} and keep it open`,
    );
  }
  return { by: 'stream', ended };
}

/** Asks whoever leads, beside this agent or another. */
async function askBack({ agent }: HttpDependencies, name: string, expectedEpoch: number | null) {
  const epoch = agent.elections.requestResign(name, expectedEpoch);
  if (epoch !== undefined) return { name, outcome: 'asked', agentId: agent.status().agentId, epoch };
  const store = storeOf(agent);
  const lease = found(await store.getLease(roleKey(name)), `election "${name}"`);
  const requests = releaseRequestsOf(store);
  if (requests === undefined && lease.agentId !== null) {
    throw new Refusal('conflict', `agent "${lease.agentId}" leads "${name}"; ask that agent`, {
      holder: lease.agentId,
      currentEpoch: lease.epoch,
    });
  }
  const asked: ReleaseRequestAnswer = (await requests?.requestRelease(lease.key, expectedEpoch)) ?? {
    outcome: 'vacant',
    epoch: lease.epoch,
  };
  if (asked.outcome === 'vacant') return { name, outcome: 'vacant', agentId: null, epoch: asked.epoch };
  // Its holder reads the wish with its next heartbeat: that is now.
  agent.announce('session');
  return { name, ...asked };
}
