// The store is away for longer than a TTL, in every way it can be, and no lease moves because of it (DESIGN section 4).
import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { Neighbours, ttlMs } from './neighbours.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

const orders = { name: 'orders', partitionCount: 12, retentionMs: null, config: {} };

async function three(on: string): Promise<Neighbours> {
  const neighbours = await Neighbours.open(on);
  await neighbours.store.createTopic(orders);
  for (const agentId of ['a', 'b', 'c']) await neighbours.join(agentId);
  await neighbours.settled([4, 4, 4]);
  return neighbours;
}

/** Holders, epochs and sessions: what an outage must not change. */
async function truth(neighbours: Neighbours) {
  return {
    leases: await neighbours.leases(),
    sessions: neighbours.sessions(),
    role: (await neighbours.store.getLease({ kind: 'role', name: 'coordinator' }))?.epoch,
    shown: neighbours.agents.map(({ agent }) => agent.held().terms),
  };
}

async function allSuspended({ agents }: Neighbours): Promise<void> {
  await eventually(() => agents.every(({ agent }) => agent.status().state === 'suspended'));
  for (const { agent } of agents) expect(agent.held()).toEqual({ trustedForMs: 0, terms: [] });
}

/** Everybody goes on as before, and still does when a reaper has had the time to judge. */
async function nothingMoved(neighbours: Neighbours, before: Awaited<ReturnType<typeof truth>>) {
  await neighbours.settled([4, 4, 4]);
  expect(await truth(neighbours)).toEqual(before);
  await neighbours.beats(6);
  await neighbours.settled([4, 4, 4]);
  expect(await truth(neighbours)).toEqual(before);
  expect(neighbours.violations).toEqual([]);
}

test.each(['refuse', 'blackhole'] as const)(
  'a network to the store that says %s to everybody for longer than a TTL moves no lease',
  async (mode) => {
    await using neighbours = await three(url);
    const before = await truth(neighbours);
    for (const { proxy } of neighbours.agents) {
      proxy.mode = mode;
      if (mode === 'refuse') proxy.cutAll();
    }
    await allSuspended(neighbours);
    await eventually(async () => {
      const { items } = await neighbours.store.listAgents({ limit: 10 });
      return items.every(({ expiresInMs }) => (expiresInMs ?? 0) < -ttlMs / 2);
    });
    for (const { proxy } of neighbours.agents) proxy.mode = 'pass';
    await nothingMoved(neighbours, before);
  },
);

test('a PostgreSQL that is killed, and started again after more than a TTL, moves no lease', async () => {
  await using server = await startPostgresServer({ major: 16, settings: { fsync: 'off' } });
  await using neighbours = await three(server.url);
  const before = await truth(neighbours);
  await server.kill9();
  const killedMs = performance.now();
  await allSuspended(neighbours);
  await eventually(() => performance.now() - killedMs > 1.2 * ttlMs, { what: 'more than a TTL to pass' });
  await server.start();
  await nothingMoved(neighbours, before);
});

test('a store that answers reads alone for longer than a TTL, to all of them, moves no lease', async () => {
  await using server = await startPostgresServer({ major: 16, settings: { fsync: 'off' } });
  await using neighbours = await three(server.url);
  const before = await truth(neighbours);
  await setReadOnly(server.url, true);
  await allSuspended(neighbours);
  await eventually(async () => {
    const { items } = await neighbours.store.listAgents({ limit: 10 });
    return items.every(({ expiresInMs }) => (expiresInMs ?? 0) < -ttlMs / 2);
  });
  await setReadOnly(server.url, false);
  await nothingMoved(neighbours, before);
});

/** For every transaction from now on, also on connections that exist. */
async function setReadOnly(on: string, isReadOnly: boolean): Promise<void> {
  const client = new Client({ connectionString: on });
  await client.connect();
  await client.query(`alter system set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`);
  await client.query('select pg_reload_conf()');
  await client.end();
}
