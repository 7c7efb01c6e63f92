// A topic of 10,000 partitions on one agent, a process, over HTTP: how long until it is there, led and listed, and what memory it takes.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AgentProcess,
  postgresStore,
  type SharedStore,
  sqliteStore,
  untilHeld,
} from '../test/e2e/cluster.ts';
import type { Stage } from './bench.ts';
import { rowOf, type Value } from './harness/findings.ts';
import { medianOf } from './harness/percentiles.ts';
import { timed } from './harness/rounds.ts';

const partitionCount = 10_000;
/** Until what the start, or the grants, left behind has been collected. */
const restMs = 5_000;
const looks = 10;
const lookMs = 300;

/** Of one agent. Memory is NaN where the system does not tell. */
interface Seen {
  readonly createdMs: number;
  readonly ledMs: number;
  readonly listedMs: readonly number[];
  readonly idleMb: number;
  readonly heldMb: number;
}

export async function measurePartitions({ rounds, findings, postgresUrl }: Stage): Promise<void> {
  const url = await postgresUrl();
  const onPostgres = await measure(rounds, () => postgresStore(url));
  const idleMb = medianOf(onPostgres.map((seen) => seen.idleMb));
  const moreMb = medianOf(onPostgres.map((seen) => seen.heldMb - seen.idleMb));
  const values: Value[] = [
    { what: 'memory of an idle agent', amount: idleMb, unit: 'MB' },
    { what: 'memory per 10,000 partitions held', amount: moreMb, unit: 'MB' },
  ];
  findings.add({
    title: 'PostgreSQL: 10,000 partitions on one agent, over HTTP',
    rows: rowsOf(onPostgres),
    values: values.filter(({ amount }) => !Number.isNaN(amount)),
  });
  findings.add({
    title: 'SQLite: 10,000 partitions on one agent, over HTTP',
    rows: rowsOf(await measure(rounds, sqliteStore)).map((row) => ({ ...row, what: `sqlite ${row.what}` })),
  });
}

function rowsOf(all: readonly Seen[]) {
  return [
    rowOf(
      'over HTTP: create a topic of 10,000 partitions',
      all.map(({ createdMs }) => createdMs),
    ),
    rowOf(
      'over HTTP: then until all are held by one agent',
      all.map(({ ledMs }) => ledMs),
    ),
    rowOf(
      'over HTTP: list its 10,000 leases',
      all.flatMap(({ listedMs }) => listedMs),
    ),
  ];
}

/** An agent for every other round: each takes a quarter of a minute. */
async function measure(rounds: number, makeStore: () => SharedStore): Promise<Seen[]> {
  const all: Seen[] = [];
  for (let round = 0; round < rounds; round += 2) {
    await using store = makeStore();
    all.push(await oneAgent(store));
  }
  return all;
}

async function oneAgent(store: SharedStore): Promise<Seen> {
  await using agent = new AgentProcess('a', { ...store.env, SESSION_TTL_MS: '10000' });
  await agent.active();
  const idleMb = await restingMb(agent);
  const created = await timed(() => agent.ask('POST', '/v1/topics', { name: 'big', partitionCount }));
  const led = await timed(() => untilHeld([agent], [partitionCount]));
  const heldMb = await restingMb(agent);
  const listedMs: number[] = [];
  for (let list = 0; list < looks; list++) {
    listedMs.push((await timed(() => agent.ask('GET', '/v1/leases?limit=10000'))).ms);
  }
  return { createdMs: created.ms, ledMs: led.ms, listedMs, idleMb, heldMb };
}

async function restingMb(agent: AgentProcess): Promise<number> {
  await sleep(restMs);
  const seen: number[] = [];
  for (let look = 0; look < looks; look++) {
    seen.push(residentMb(agent.program.pid));
    await sleep(lookMs);
  }
  return medianOf(seen);
}

function residentMb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_000;
  } catch {
    return Number.NaN;
  }
}
