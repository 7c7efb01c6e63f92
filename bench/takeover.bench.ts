// How long partitions are without a leader: three real processes, twelve partitions, the default TTL of 10 s.
import { test } from 'vitest';
import {
  AgentProcess,
  postgresStore,
  type SharedStore,
  sqliteStore,
  untilHeld,
  untilLedBy,
} from '../test/e2e/cluster.ts';
import { startPostgresServer } from '../test/support/postgres-server.ts';
import { type Figure, report, timed } from './report.ts';

const rounds = 3;

async function measure(makeStore: () => SharedStore): Promise<Figure[]> {
  const term: number[] = [];
  const kill: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using store = makeStore();
    const env = { ...store.env, SESSION_TTL_MS: '10000' };
    await using a = new AgentProcess('a', env);
    await using b = new AgentProcess('b', env);
    await using c = new AgentProcess('c', env);
    await Promise.all([a.active(), b.active(), c.active()]);
    await a.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 12 });
    await untilHeld([a, b, c], [4, 4, 4]);
    b.kill('SIGTERM');
    term.push((await timed(() => untilLedBy([a, c], 12))).ms);
    c.kill('SIGKILL');
    kill.push((await timed(() => untilLedBy([a], 12))).ms);
  }
  return [
    { what: 'SIGTERM of one of three: until its four are led elsewhere', ms: term },
    { what: 'SIGKILL of one of two, TTL 10 s: until its six are led', ms: kill },
  ];
}

test('takeover', async () => {
  await using server = await startPostgresServer({ major: 16 });
  report('PostgreSQL 16, fsync on', await measure(() => postgresStore(server.url)));
  report('SQLite', await measure(sqliteStore));
});
