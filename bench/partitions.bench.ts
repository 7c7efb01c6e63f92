// A topic of 10,000 partitions on one agent, and what a heartbeat costs then.
import pg from 'pg';
import { test } from 'vitest';
import {
  AgentProcess,
  postgresStore,
  type SharedStore,
  sqliteStore,
  untilHeld,
} from '../test/e2e/cluster.ts';
import { eventually } from '../test/support/eventually.ts';
import { startPostgresServer } from '../test/support/postgres-server.ts';
import { type Figure, report, timed } from './report.ts';

const partitionCount = 10_000;
/** The server's counters come in gusts: over so many heartbeats they even out. */
const beatsMin = 60;

async function measure(store: SharedStore): Promise<Figure[]> {
  await using agent = new AgentProcess('a', { ...store.env, SESSION_TTL_MS: '10000' });
  await agent.active();
  const created = await timed(() => agent.ask('POST', '/v1/topics', { name: 'big', partitionCount }));
  const led = await timed(() => untilHeld([agent], [partitionCount]));
  const listed: number[] = [];
  for (let round = 0; round < 10; round++) {
    listed.push((await timed(() => agent.ask('GET', '/v1/leases?limit=10000'))).ms);
  }
  return [
    { what: 'create a topic of 10,000 partitions', ms: [created.ms] },
    { what: 'then: until all are held by one agent', ms: [led.ms] },
    { what: 'list its 10,000 leases over HTTP', ms: listed },
  ];
}

/** Rows written in all tables, and in `sessions` alone, while one agent at rest beats some times. */
async function rowsPerHeartbeat(url: string, partitions: number): Promise<string> {
  await using store = postgresStore(url);
  const schema = store.env['DATABASE_SCHEMA'] ?? '';
  await using agent = new AgentProcess('a', { ...store.env, SESSION_TTL_MS: '1000' });
  await agent.active();
  await agent.ask('POST', '/v1/topics', { name: 'some', partitionCount: partitions });
  await untilHeld([agent], [partitions]);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const read = async (): Promise<{ beats: number; rows: number; hot: number }> => {
      const { rows } = await client.query<{ beats: string; rows: string; hot: string }>(
        `select (select max(beat) from "${schema}".sessions) as beats,
           sum(n_tup_ins + n_tup_upd + n_tup_del) as rows, sum(n_tup_hot_upd) as hot
         from pg_stat_user_tables where schemaname = $1`,
        [schema],
      );
      const [row] = rows;
      return { beats: Number(row?.beats), rows: Number(row?.rows), hot: Number(row?.hot) };
    };
    // The server's counters come late: rest until the acquire's rows are in them.
    let before = await read();
    await eventually(
      async () => {
        const now = await read();
        const atRest =
          now.rows - before.rows <= 2 * (now.beats - before.beats) && now.beats - before.beats >= beatsMin;
        if (now.beats - before.beats >= beatsMin && !atRest) before = now;
        return atRest;
      },
      { timeoutMs: 120_000 },
    );
    const after = await read();
    const perBeat = (after.rows - before.rows) / (after.beats - before.beats);
    const hot = (after.hot - before.hot) / (after.rows - before.rows);
    return `  ${String(partitions).padStart(6)} partitions held: ${perBeat.toFixed(2)} rows written per heartbeat, ${(100 * hot).toFixed(0)} % heap-only, over ${after.beats - before.beats} heartbeats`;
  } finally {
    await client.end();
  }
}

test('ten thousand partitions', async () => {
  await using server = await startPostgresServer({ major: 16 });
  {
    await using store = postgresStore(server.url);
    report('PostgreSQL 16, fsync on', await measure(store));
  }
  {
    await using store = sqliteStore();
    report('SQLite', await measure(store));
  }
  const lines = [await rowsPerHeartbeat(server.url, 12), await rowsPerHeartbeat(server.url, partitionCount)];
  process.stdout.write(`\nPostgreSQL 16, an agent at rest\n${lines.join('\n')}\n`);
});
