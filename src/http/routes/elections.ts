// Elections: who leads which named role. Reading only; campaigning comes with the event stream it lives on.
import { roleKey } from '../../domain/lease.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { presentElection } from '../present/leases.ts';
import { presentPage } from '../present/page.ts';
import { election, electionPage } from '../schemas/answers/leases.ts';
import { electionPath } from '../schemas/leases.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

export function electionRoutes(app: HttpApp, { agent }: HttpDependencies): void {
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
}
