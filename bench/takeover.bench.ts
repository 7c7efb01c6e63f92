// How long partitions are without a leader when agents end: real processes, the default TTL of 10 s. As many kills as rounds.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
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
import type { Stage } from './bench.ts';
import { rowOf, type TimeRow } from './harness/findings.ts';
import { timed } from './harness/rounds.ts';

const ttlMs = 10_000;
const partitionsEach = 1_000;
const manyPartitions = 10_000;
const lookMs = 5;

/** For every other round: where nobody sees a crash it takes the TTL. */
async function stopAndKill(rounds: number, makeStore: () => SharedStore): Promise<TimeRow[]> {
  const term: number[] = [];
  const kill: number[] = [];
  for (let round = 0; round < rounds; round += 2) {
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
    rowOf('SIGTERM of one of three: until its four are led elsewhere', term),
    rowOf('SIGKILL of one of two, TTL 10 s: until its six are led', kill),
  ];
}

/** How the database saw an agent taken over from, by its own clock, milliseconds since 1970. */
interface Takeover {
  /** When its last session expired, which its last heartbeat said. */
  readonly expiresMs: number;
  /** When that session was ended. */
  readonly reapedMs: number;
  /** When no lease named it any more. */
  readonly ledMs: number;
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

  async nowMs(): Promise<number> {
    const answer = await this.client.query<{ now: number }>(
      `select extract(epoch from clock_timestamp())::float8 * 1000 as now`,
    );
    return answer.rows[0]?.now ?? Number.NaN;
  }

  /**
   * Waits until the last session of the one named has ended and others have all its leases. Not by when each lease says that it was acquired, which is
   * when its statement began; and without counting all leases every few milliseconds, which those that are measured would have to wait for.
   */
  async takenOver(agentId: string): Promise<Takeover> {
    const { expires, reaped, now } = await eventually(() => this.look(agentId), {
      everyMs: lookMs,
      what: `all to be led without ${agentId}`,
      timeoutMs: 6 * ttlMs,
    });
    return { expiresMs: expires, reapedMs: reaped, ledMs: now };
  }

  private async look(agentId: string) {
    const answer = await this.client.query<{ now: number; expires: number; reaped: number; left: boolean }>(
      `select extract(epoch from clock_timestamp())::float8 * 1000 as now,
         extract(epoch from s.expires_at)::float8 * 1000 as expires, extract(epoch from s.ended_at)::float8 * 1000 as reaped,
         s.ended_at is null or exists (select from leases l where l.session_id = s.session_id) as left
       from sessions s where s.agent_id = $1 order by s.registered_at desc limit 1`,
      [agentId],
    );
    const [row] = answer.rows;
    return row?.left === false && row;
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
  url: string,
  times: number,
  settings: Env,
  from: (killedMs: number, takeover: Takeover) => number,
): Promise<number[]> {
  await using store = postgresStore(url);
  // The same three come back again and again, which is no flapping here.
  const env = { ...store.env, SESSION_TTL_MS: String(ttlMs), RETURN_DELAY_MS: '0', ...settings };
  const agents = ['a', 'b', 'c'].map((agentId) => new AgentProcess(agentId, env));
  await using _ = { [Symbol.asyncDispose]: () => endAll(agents) };
  await Promise.all(agents.map((agent) => agent.active()));
  const partitionCount = agents.length * partitionsEach;
  await agents[0]?.ask('POST', '/v1/topics', { name: 'orders', partitionCount });
  await using observer = await Observer.open(url, store.env['DATABASE_SCHEMA'] ?? '');
  const took: number[] = [];
  for (let nth = 0; nth < times; nth++) {
    await untilHeld(
      agents,
      agents.map(() => partitionsEach),
    );
    const victim = agents[nth % agents.length];
    if (victim === undefined) throw new Error('nobody to kill');
    const { agentId } = victim;
    const killedMs = await observer.nowMs();
    victim.kill('SIGKILL');
    const takeover = await observer.takenOver(agentId);
    took.push(takeover.ledMs - from(killedMs, takeover));
    await victim[Symbol.asyncDispose]();
    agents[nth % agents.length] = new AgentProcess(agentId, env);
  }
  return took;
}

/** What the database saw of one kill, by its own clock. */
interface Kill {
  readonly killedToLedMs: number;
  readonly reapedToLedMs: number;
}

/** One of two agents with 10,000 partitions each: its end was noticed when its session was ended. */
async function killOfMany(url: string): Promise<Kill> {
  await using store = postgresStore(url);
  const schema = store.env['DATABASE_SCHEMA'] ?? '';
  const env = { ...store.env, SESSION_TTL_MS: String(ttlMs) };
  await using a = new AgentProcess('a', env);
  await using b = new AgentProcess('b', env);
  await Promise.all([a.active(), b.active()]);
  await a.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 2 * manyPartitions });
  await untilHeld([a, b], [manyPartitions, manyPartitions]);
  await using observer = await Observer.open(url, schema);
  const killedMs = await observer.nowMs();
  b.kill('SIGKILL');
  const { reapedMs, ledMs } = await observer.takenOver('b');
  return { killedToLedMs: ledMs - killedMs, reapedToLedMs: ledMs - reapedMs };
}

export async function measureTakeovers({ rounds, findings, postgresUrl }: Stage): Promise<void> {
  const url = await postgresUrl();
  findings.add({
    title: 'PostgreSQL: an agent of few partitions ends',
    rows: await stopAndKill(rounds, () => postgresStore(url)),
  });
  findings.add({
    title: 'SQLite: an agent of few partitions ends',
    rows: await stopAndKill(rounds, sqliteStore),
  });
  const crashes = await killByTurns(url, rounds, {}, (killedMs) => killedMs);
  const byTime = await killByTurns(url, rounds, { CRASH_DETECTION: 'off' }, (_, { expiresMs }) => expiresMs);
  findings.add({
    title: 'PostgreSQL: three agents with 1,000 partitions each, TTL 10 s, kill -9 by turns',
    rows: [
      rowOf('kill -9 of one: until all are led', crashes),
      rowOf('CRASH_DETECTION=off: from its last heartbeat + TTL until all are led', byTime),
    ],
  });
  const kills: Kill[] = [];
  for (let round = 0; round < rounds; round++) kills.push(await killOfMany(url));
  findings.add({
    title: 'PostgreSQL: two agents with 10,000 partitions each, TTL 10 s, kill -9 of one',
    rows: [
      rowOf(
        '10,000 partitions: from the kill until all are led',
        kills.map(({ killedToLedMs }) => killedToLedMs),
      ),
      rowOf(
        '10,000 partitions: from the reap until all are led',
        kills.map(({ reapedToLedMs }) => reapedToLedMs),
      ),
    ],
  });
}
