// An agent whose connection dies is taken over long before its TTL; one that lives on has stopped by then, or has proven itself anew.
import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Neighbours } from './neighbours.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

/** No test waits for it: whoever is taken over here is so by its connection. */
const ttlMs = 120_000;
const orders = { name: 'orders', partitionCount: 12, retentionMs: null, config: {} };

async function joined(...agentIds: readonly string[]): Promise<Neighbours> {
  const neighbours = await Neighbours.open(url);
  await neighbours.store.createTopic(orders);
  for (const agentId of agentIds) await neighbours.join(agentId, { ttlMs });
  await neighbours.settled(agentIds.map(() => 12 / agentIds.length));
  // Everybody has told its lock; then the coordinator has seen it held, without which its vanishing says nothing.
  await eventually(async () =>
    (await neighbours.store.observeSessions()).sessions.every(({ isLockHeld }) => isLockHeld),
  );
  await neighbours.looks(2);
  return neighbours;
}

test.each([
  ['an agent', 2, [6, 6, 0]],
  ['the coordinator', 0, [0, 6, 6]],
] as const)(
  '%s whose connections die is taken over at once, and has stopped before',
  async (_, nth, settled) => {
    await using neighbours = await joined('a', 'b', 'c');
    const gone = neighbours.agents[nth];
    if (gone === undefined) throw new Error('nobody to cut off');
    const { sessionId } = gone.agent;
    gone.proxy.mode = 'refuse';
    gone.proxy.cutAll();
    await neighbours.settled(settled);
    expect(gone.agent.status()).toMatchObject({ state: 'suspended', sessionId, leases: 0 });
    gone.proxy.mode = 'pass';
    await eventually(() => gone.agent.status().state === 'active' && gone.agent.sessionId !== sessionId);
    expect(neighbours.violations).toEqual([]);
  },
);

test('one connection that the server ends moves nothing: its agent proves itself on another', async () => {
  await using neighbours = await joined('a', 'b', 'c');
  const before = { leases: await neighbours.leases(), sessions: neighbours.sessions() };
  const admin = new Client({ connectionString: url, options: `-c search_path=${neighbours.schema}` });
  await admin.connect();
  const keys = async () =>
    (await neighbours.store.observeSessions()).sessions.map(({ agentId, lockKey }) => ({ agentId, lockKey }));
  const seen = await keys();
  await admin.query(
    `select pg_terminate_backend(l.pid) from pg_locks l join sessions s
       on s.lock_key = (l.classid::bigint << 32) | l.objid::bigint
     where l.locktype = 'advisory' and s.agent_id = 'c'`,
  );
  await admin.end();
  await eventually(async () => {
    const now = await keys();
    return now.every(({ agentId, lockKey }, i) => (agentId === 'c') === (lockKey !== seen[i]?.lockKey));
  });
  await neighbours.looks(10);
  expect({ leases: await neighbours.leases(), sessions: neighbours.sessions() }).toEqual(before);
  expect(neighbours.violations).toEqual([]);
});

test('with crash detection off nobody is taken over before its TTL', async () => {
  await using neighbours = await Neighbours.open(url);
  await neighbours.store.createTopic(orders);
  for (const agentId of ['a', 'b']) await neighbours.join(agentId, { ttlMs, detectsCrashes: false });
  await neighbours.settled([6, 6]);
  const [, b] = neighbours.agents;
  if (b === undefined) throw new Error('nobody to cut off');
  const before = await neighbours.leases();
  b.proxy.mode = 'refuse';
  b.proxy.cutAll();
  await neighbours.looks(10);
  expect(await neighbours.leases()).toEqual(before);
  // Its trust is that of its last heartbeat: nobody may take its partitions before the TTL is over.
  expect(b.agent.status()).toMatchObject({ state: 'active', leases: 6 });
});
