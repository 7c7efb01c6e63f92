// A process that stalls finds its timers due and its answers waiting: what has been answered in time is no reason to cut a connection.
import { expect, inject, onTestFinished, test } from 'vitest';
import { BoundedClient, queryBounded } from '../../../src/store/postgres/client.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

function stall(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test('an answer that came while the process stalled counts, however late it is read', async () => {
  const client = new BoundedClient({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.cut());
  const answer = queryBounded(client, `select pg_sleep(0.1)::text || 'here' as word`, [], 400);
  await new Promise((resolve) => setImmediate(resolve));
  stall(1_200);
  expect(await answer).toEqual([{ word: 'here' }]);
  expect(client.isOver).toBe(false);
});

test('one that does not come is cut off all the same', async () => {
  const client = new BoundedClient({ connectionString: url });
  await client.connect();
  const answer = queryBounded(client, 'select pg_sleep(60)', [], 200);
  await expect(answer).rejects.toThrow('PostgreSQL gave no answer within 200 ms; the connection was cut');
  expect(client.isOver).toBe(true);
});
