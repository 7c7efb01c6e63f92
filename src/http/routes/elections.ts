// Elections: who leads which named role. Reading only; campaigning comes with the event stream it lives on.
import { roleKey } from '../../domain/lease.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { presentElection } from '../present/leases.ts';
import { presentPage } from '../present/page.ts';
import { electionPath } from '../schemas/leases.ts';
import { noQuery, pageQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

export function electionRoutes(app: HttpApp, { agent }: HttpDependencies): void {
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
}
