// How long partitions are without a leader when agents end: real processes, the default TTL of 10 s. BENCH_KILLS and BENCH_KILLS_BY_TIME say
// how often an agent that leads a thousand partitions is killed, with crash detection and without.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, test } from 'vitest';
import {
  AgentProcess,
  type Env,
  postgresStore,
  type SharedStore,
  sqliteStore,
  untilHeld,
  untilLedBy,
} from '../test/e2e/cluster.ts';
import { eventually } from '../test/support/eventually.ts';
import { type PostgresServer, startPostgresServer } from '../test/support/postgres-server.ts';
import { type Figure, report, timed } from './report.ts';

const ttlMs = 10_000;
const rounds = 3;
const kills = countOf('BENCH_KILLS', 20);
const killsByTime = countOf('BENCH_KILLS_BY_TIME', 20);
const partitionsEach = 1_000;
const lookMs = 5;

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgresServer({ major: 16 });
});
afterAll(() => server[Symbol.asyncDispose]());

function countOf(name: string, otherwise: number): number {
  const count = Number(process.env[name] ?? otherwise);
  if (!Number.isInteger(count) || count < 1) throw new Error(`${name} must be a whole number from 1 on`);
  return count;
}

async function stopAndKill(makeStore: () => SharedStore): Promise<Figure[]> {
  const term: number[] = [];
  const kill: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using store = makeStore();
    const env = { ...store.env, SESSION_TTL_MS: String(ttlMs) };
    await using a = new AgentProcess('a', env);
    await using b = new AgentProcess('b', env);
    await using c = new AgentProcess('c', env);
    await Promise.all([a.active(), b.active(), c.active()]);
    await a.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 12 });
    await untilHeld([a, b, c], [4, 4, 4]);
    b.kill('SIGTERM');
    term.push((await timed(() => untilLedBy([a, c], 12))).ms);
    // A crash is noticed by a lock that others have seen: they look four times a second.
    await sleep(1_000);
    c.kill('SIGKILL');
    kill.push((await timed(() => untilLedBy([a], 12))).ms);
  }
  return [
    { what: 'SIGTERM of one of three: until its four are led elsewhere', ms: term },
    { what: 'SIGKILL of one of two, TTL 10 s: until its six are led', ms: kill },
  ];
}

/** What the database shows, by its own clock, milliseconds since 1970. */
interface Look {
  readonly nowMs: number;
  /** Partitions led by agents other than the one named. */
  readonly led: number;
  /** When the last session of the one named expires. */
  readonly expiresMs: number;
}

class Observer implements AsyncDisposable {
  private readonly client: Client;

  private constructor(client: Client) {
    this.client = client;
  }

  static async open(url: string, schema: string): Promise<Observer> {
    const client = new Client({ connectionString: url, options: `-c search_path=${schema}` });
    await client.connect();
    return new Observer(client);
  }

  async look(agentId: string): Promise<Look> {
    const answer = await this.client.query<{ now: number; led: number; expires: number }>(
      `select extract(epoch from clock_timestamp())::float8 * 1000 as now,
         (select count(*)::integer from leases l join sessions s using (session_id)
           where l.kind = 'partition' and s.ended_at is null and s.agent_id <> $1) as led,
         (select extract(epoch from max(expires_at))::float8 * 1000 from sessions where agent_id = $1) as expires`,
      [agentId],
    );
    const [row] = answer.rows;
    if (row === undefined) throw new Error('no answer');
    return { nowMs: row.now, led: row.led, expiresMs: row.expires };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
  }
}

async function endAll(agents: readonly AgentProcess[]): Promise<void> {
  await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
}

/** Three agents with a thousand partitions each, killed by turns, whoever coordinates; `from` when the time counts. */
async function killByTurns(
  times: number,
  settings: Env,
  from: (killed: Look, led: Look) => number,
): Promise<number[]> {
  await using store = postgresStore(server.url);
  // The same three come back again and again, which is no flapping here.
  const env = { ...store.env, SESSION_TTL_MS: String(ttlMs), RETURN_DELAY_MS: '0', ...settings };
  const agents = ['a', 'b', 'c'].map((agentId) => new AgentProcess(agentId, env));
  await using _ = { [Symbol.asyncDispose]: () => endAll(agents) };
  await Promise.all(agents.map((agent) => agent.active()));
  const partitionCount = agents.length * partitionsEach;
  await agents[0]?.ask('POST', '/v1/topics', { name: 'orders', partitionCount });
  await using observer = await Observer.open(server.url, store.env['DATABASE_SCHEMA'] ?? '');
  const took: number[] = [];
  for (let nth = 0; nth < times; nth++) {
    await untilHeld(
      agents,
      agents.map(() => partitionsEach),
    );
    const victim = agents[nth % agents.length];
    if (victim === undefined) throw new Error('nobody to kill');
    const { agentId } = victim;
    const before = await observer.look(agentId);
    victim.kill('SIGKILL');
    const led = await eventually(
      async () => {
        const look = await observer.look(agentId);
        return look.led === partitionCount && look;
      },
      { everyMs: lookMs, what: `all to be led without ${agentId}`, timeoutMs: 6 * ttlMs },
    );
    took.push(led.nowMs - from(before, led));
    await victim[Symbol.asyncDispose]();
    agents[nth % agents.length] = new AgentProcess(agentId, env);
  }
  return took;
}

test('an agent that ends', async () => {
  report('PostgreSQL 16, fsync on', await stopAndKill(() => postgresStore(server.url)));
  report('SQLite', await stopAndKill(sqliteStore));
});

test('an agent that leads 1,000 partitions is killed', async () => {
  const ms = await killByTurns(kills, {}, (killed) => killed.nowMs);
  report('PostgreSQL 16, fsync on, three agents with 1,000 partitions each, TTL 10 s', [
    { what: 'kill -9 of one, by turns: until all are led', ms },
  ]);
});

test('the same without crash detection', async () => {
  const ms = await killByTurns(killsByTime, { CRASH_DETECTION: 'off' }, (_, led) => led.expiresMs);
  report('The same with CRASH_DETECTION=off', [
    { what: 'from its last heartbeat + TTL until all are led', ms },
  ]);
});
