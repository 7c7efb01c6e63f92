// Who could not plan either takes the role from nobody: it is asked for where plans are written, on the pool.
import { expect, inject, onTestFinished, test } from 'vitest';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import { openPostgresStore, type PostgresOptions } from '../../../src/store/postgres/open.ts';
import { storeOptions } from '../../coordination/cluster.ts';
import { startProxy } from '../../support/proxy.ts';
import { dropSchema, freshSchemaName } from '../../support/schema.ts';
import { join, take } from '../contract/samples.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

test('an agent whose own connection reaches the server and whose pool does not takes the role from nobody', async () => {
  const schema = freshSchemaName();
  onTestFinished(() => dropSchema(url, schema));
  const open = async (options: Partial<PostgresOptions> = {}) => {
    const store = await openPostgresStore({ ...storeOptions(url, schema), ...options });
    onTestFinished(() => store[Symbol.asyncDispose]());
    return store;
  };
  const store = await open();
  const sessionId = await join(store, 'a');
  const epoch = await take(store, sessionId, COORDINATOR);
  await store.heartbeat(sessionId, 7);

  const proxy = await startProxy(Number(new URL(url).port));
  onTestFinished(() => proxy.close());
  proxy.mode = 'refuse';
  const cutOff = new URL(url);
  cutOff.port = String(proxy.port);
  const deputy = await open({ connectionString: cutOff.href, directConnectionString: url });
  expect(await deputy.observeSessions()).toMatchObject({ coordinatorSessionId: sessionId });
  const retired = deputy.retireCoordinator({ sessionId, epoch, progress: 7 });
  expect(
    await retired.then(
      (answer) => answer,
      (error: unknown) => error,
    ),
  ).toMatchObject({ name: 'StoreUnavailable' });
  expect(await store.getLease(COORDINATOR)).toMatchObject({ agentId: 'a', epoch });
});
