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
import {
  candidacy,
  type CandidacyAnswer,
  election,
  electionPage,
  resignation,
  type ResignationAnswer,
} from '../schemas/answers/leases.ts';
import { campaignBody, electionPath, renewBody, resignBody } from '../schemas/leases.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';
import type { StreamRegistry } from '../stream-registry.ts';

interface ElectionDependencies extends HttpDependencies {
  readonly streams: StreamRegistry;
}

export function electionRoutes(app: HttpApp, deps: ElectionDependencies): void {
  const { agent } = deps;

  app.get(
    '/v1/elections',
    {
      schema: {
        doc: { id: 'listElections', tag: 'elections', summary: 'Who leads which role' },
        querystring: pageQuery,
        response: { 200: electionPage },
      },
    },
    async ({ query }) =>
      presentPage(await storeOf(agent).listRoleLeases(query), 'elections', presentElection),
  );

  app.get(
    '/v1/elections/:name',
    {
      schema: {
        doc: { id: 'getElection', tag: 'elections', summary: 'Who leads one role', refuses: ['not_found'] },
        params: electionPath,
        querystring: noQuery,
        response: { 200: election },
      },
    },
    async ({ params: { name } }) => {
      const lease = await storeOf(agent).getLease(roleKey(name));
      return presentElection(found(lease, `election "${name}"`));
    },
  );

  app.post(
    '/v1/elections/:name/campaign',
    {
      schema: {
        doc: {
          id: 'campaign',
          tag: 'elections',
          summary: 'Enter or stay in the race for a role',
          description:
            'It lives as long as the event stream that it names, or for `holdMs` at a time, by renewal. Asked again by the same candidate, it is the same candidacy. With `waitMs` the answer waits until the role is won or the time is over.',
          refuses: ['conflict', 'no_lease', 'rate_limited'],
        },
        params: electionPath,
        querystring: noQuery,
        body: campaignBody,
        response: { 200: candidacy },
      },
    },
    async ({ params: { name }, body: { candidate = randomUUID(), waitMs, ...on } }) => {
      const hold = holdOf(deps, on);
      return answer(deps, await agent.elections.campaign(name, candidate, hold, { waitMs }));
    },
  );

  app.post(
    '/v1/elections/:name/renew',
    {
      schema: {
        doc: {
          id: 'renewCandidacy',
          tag: 'elections',
          summary: 'Hold on to a candidacy for another while',
          refuses: ['conflict', 'no_lease'],
        },
        params: electionPath,
        querystring: noQuery,
        body: renewBody,
        response: { 200: candidacy },
      },
    },
    async ({ params: { name }, body: { candidate, holdMs } }) =>
      answer(deps, agent.elections.renew(name, candidate, holdMs)),
  );

  app.post(
    '/v1/elections/:name/resign',
    {
      schema: {
        doc: {
          id: 'resign',
          tag: 'elections',
          summary: 'Leave a race, or ask whoever leads to give the role up',
          description:
            "With a candidate it is its own wish and has happened when it is answered. Without one it is an operator's: the leader, beside whatever agent, is asked.",
          refuses: ['not_found', 'fenced'],
        },
        params: electionPath,
        querystring: noQuery,
        body: resignBody.nullish(),
        response: { 200: resignation },
      },
    },
    async ({ params: { name }, body }) => {
      const { candidate, expectedEpoch } = body ?? {};
      if (candidate === undefined) return askBack(deps, name, expectedEpoch ?? null);
      await agent.elections.resign(name, candidate);
      return { name, candidate, outcome: 'resigned' as const };
    },
  );
}

/** The store is asked only for who leads instead: a leader hears how long it is trusted also while the store is away. */
async function answer({ agent }: HttpDependencies, own: Candidacy): Promise<CandidacyAnswer> {
  const itself = leaderByItself(own, agent.status().agentId);
  if (itself !== undefined) return presentCandidacy(own, itself);
  return presentCandidacy(own, leaderByLease(await storeOf(agent).getLease(roleKey(own.name))));
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
async function askBack(
  { agent }: HttpDependencies,
  name: string,
  expectedEpoch: number | null,
): Promise<ResignationAnswer> {
  const epoch = agent.elections.requestResign(name, expectedEpoch);
  if (epoch !== undefined) return { name, outcome: 'asked', agentId: agent.status().agentId, epoch };
  const store = storeOf(agent);
  const asked = await store.requestRelease(roleKey(name), expectedEpoch);
  if (asked.outcome === 'vacant') return { name, outcome: 'vacant', agentId: null, epoch: asked.epoch };
  // Its holder reads the wish with its next heartbeat: that is now.
  agent.announce('session');
  return { name, ...asked };
}
