// The wall clock of the database jumps, as when somebody sets it. Nothing moves because of it, and crashes are taken over as before.
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { findFaketime, SteeredClock } from '../support/steered-clock.ts';
import { Neighbours } from './neighbours.ts';

const library = await findFaketime();

test('a run without libfaketime says why', ({ task }) => {
  if (library.outcome === 'found') return;
  expect(library.reason).not.toBe('');
  task.meta.suiteNotRun = { name: 'steps of the database clock', reason: library.reason };
});

const orders = { name: 'orders', partitionCount: 12, retentionMs: null, config: {} };

describe.each(library.outcome === 'found' ? [library.found] : [])('by %s', (path) => {
  test('a database clock that jumps by hours, on and back, moves no lease; silence and crashes still tell', async () => {
    using clock = new SteeredClock(path);
    await using server = await startPostgresServer({
      major: 16,
      settings: { fsync: 'off' },
      env: clock.env,
    });
    await using neighbours = await Neighbours.open(server.url);
    await neighbours.store.createTopic(orders);
    for (const agentId of ['a', 'b', 'c']) await neighbours.join(agentId);
    await neighbours.settled([4, 4, 4]);
    const truth = async () => ({
      leases: await neighbours.leases(),
      sessions: neighbours.sessions(),
      role: (await neighbours.store.getLease({ kind: 'role', name: 'coordinator' }))?.epoch,
    });
    const before = await truth();
    const suspended = new Set<string>();
    const watch = setInterval(() => {
      for (const { agent, agentId } of neighbours.agents) {
        if (agent.status().state !== 'active') suspended.add(agentId);
      }
    }, 5);

    for (const hours of [1, 0, -1, 1]) {
      clock.set(hours * 3_600);
      await eventually(async () => Math.abs((await offsetOf(server.url)) - hours) < 0.1, {
        what: `the server's clock to be ${hours} hours off`,
      });
      // More than a TTL of looks and beats under the new time.
      await neighbours.beats(5);
      await neighbours.looks(5);
      expect(await truth()).toEqual(before);
    }
    clearInterval(watch);
    expect([...suspended]).toEqual([]);

    const silent = neighbours.agents[2];
    clock.set(-3_600);
    if (silent) silent.proxy.mode = 'blackhole';
    await neighbours.settled([6, 6, 0]);
    expect(neighbours.violations).toEqual([]);
  });
});

/** How far the server's clock is from ours, hours. */
async function offsetOf(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ ms: string }>(
      'select extract(epoch from clock_timestamp()) * 1000 as ms',
    );
    return (Number(rows[0]?.ms) - Date.now()) / 3_600_000;
  } finally {
    await client.end();
  }
}
