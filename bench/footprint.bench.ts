// What an agent takes at rest, and what the store grows by: the figures of docs/sizing.md. Memory and processor time are the agent
// process's own, as the kernel counts them (Linux); statements and connections are the server's count.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { AgentProcess, postgresStore, type SharedStore, untilHeld } from '../test/e2e/cluster.ts';
import { eventually } from '../test/support/eventually.ts';
import type { Stage } from './bench.ts';
import type { Findings } from './harness/findings.ts';

const restMs = 20_000;
const ticksPerSecond = 100;
const segmentCount = 10_000;
const segmentsPerRequest = 1_000;

interface Usage {
  readonly rssMb: number;
  readonly cpuMs: number;
}

function usage(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const rssKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  // Behind the name, which may hold spaces: field 3 on; utime and stime are 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return {
    rssMb: rssKb / 1_000,
    cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond,
  };
}

class Prompt implements AsyncDisposable {
  readonly #client: pg.Client;
  constructor(url: string) {
    this.#client = new pg.Client({ connectionString: url, application_name: 'bench' });
  }
  async number(text: string): Promise<number> {
    const { rows } = await this.#client.query<unknown[]>({ text, rowMode: 'array' });
    return Number(rows[0]?.[0]);
  }
  async connect(): Promise<this> {
    await this.#client.connect();
    return this;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}

/** Transactions of all agents since the server's counters began; ours are few beside them. */
const transactions =
  'select xact_commit + xact_rollback from pg_stat_database where datname = current_database()';
const connections = `select count(*) from pg_stat_activity where application_name like 'streamhouse%'`;

async function atRest(
  findings: Findings,
  what: string,
  agents: readonly AgentProcess[],
  prompt: Prompt,
): Promise<void> {
  await sleep(5_000);
  const before = agents.map(({ program }) => usage(program.pid));
  const began = await prompt.number(transactions);
  await sleep(restMs);
  const after = agents.map(({ program }) => usage(program.pid));
  // The counters come late by a second or so, at both ends.
  const rate = ((await prompt.number(transactions)) - began) / (restMs / 1_000) / agents.length;
  const coordinators = await Promise.all(agents.map(async (agent) => (await agent.self()).coordinator));
  const notes = after.map(({ rssMb, cpuMs }, index) => {
    const share = ((cpuMs - (before[index]?.cpuMs ?? 0)) / restMs) * 100;
    const role = coordinators[index] === true ? 'coordinator' : 'agent';
    return `${role.padEnd(12)} ${rssMb.toFixed(0).padStart(5)} MB ${share.toFixed(1).padStart(6)} % of a core`;
  });
  const open = await prompt.number(connections);
  findings.add({
    title: `${agents.length} agents at rest: ${what}`,
    values: [
      { what: 'transactions of an agent', amount: rate, unit: 'per second' },
      { what: 'connections of an agent', amount: open / agents.length, unit: '' },
    ],
    notes,
  });
}

async function grow(
  findings: Findings,
  store: SharedStore,
  agents: readonly AgentProcess[],
  prompt: Prompt,
): Promise<void> {
  const [first] = agents;
  if (first === undefined) throw new Error('no agent');
  const schema = store.env['DATABASE_SCHEMA'] ?? '';
  const size = `select sum(pg_total_relation_size(c.oid)) from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where n.nspname = '${schema}' and c.relkind = 'r'`;
  let held = 0;
  for (const [topic, count] of [
    ['small', 1_000],
    ['large', 9_000],
  ] as const) {
    const before = await prompt.number(size);
    await first.ask('POST', '/v1/topics', { name: topic, partitionCount: count });
    held += count;
    await untilHeld(agents, split(held, agents.length));
    const bytes = ((await prompt.number(size)) - before) / count;
    grown(findings, 'a partition, led once', bytes);
    await atRest(findings, `${held} partitions on ${agents.length} agents`, agents, prompt);
  }
  const leaders = await Promise.all(agents.map(async (agent) => ({ agent, held: await agent.held() })));
  const leader = leaders.find((each) => each.held.length > 0);
  const term = leader?.held[0];
  if (leader === undefined || term === undefined) throw new Error('nobody leads');
  const before = await prompt.number(size);
  for (let base = 0; base < segmentCount; base += segmentsPerRequest) {
    const segments = Array.from({ length: segmentsPerRequest }, (_, index) => ({
      epoch: term.epoch,
      id: `0193c1a2-7f00-7000-8000-${String(base + index).padStart(12, '0')}`,
      baseOffset: base + index,
      endOffset: base + index,
      recordCount: 1,
      sizeBytes: 1_000_000,
      bucket: 'streamhouse-segments',
      key: `${term.topic}/${term.partition}/${term.epoch}/${String(base + index).padStart(20, '0')}.seg`,
    }));
    const path = `/v1/topics/${term.topic}/partitions/${term.partition}/segments`;
    const { status, body } = await leader.agent.ask('POST', path, segments);
    if (status !== 201) throw new Error(`append: ${status} ${JSON.stringify(body)}`);
  }
  const bytes = ((await prompt.number(size)) - before) / segmentCount;
  grown(findings, 'a segment', bytes);
  await atRest(findings, `${held} partitions, after the appends`, agents, prompt);
}

function grown(findings: Findings, what: string, bytes: number): void {
  findings.add({
    title: 'Growth of the store',
    values: [{ what, amount: Math.round(bytes), unit: 'bytes of tables and indexes' }],
  });
}

export async function measureFootprint({ findings, postgresUrl }: Stage): Promise<void> {
  const url = await postgresUrl();
  for (const count of [1, 3, 8]) {
    await using store = postgresStore(url);
    await using prompt = await new Prompt(url).connect();
    const env = { ...store.env, SESSION_TTL_MS: '10000' };
    const agents = Array.from({ length: count }, (_, index) => new AgentProcess(`a${index}`, env));
    try {
      for (const agent of agents) await agent.active();
      await eventually(async () =>
        (await Promise.all(agents.map((agent) => agent.self()))).some((self) => self.coordinator),
      );
      await atRest(findings, 'nothing to lead', agents, prompt);
      // Three are watched and watch closely whatever there is to lead; more of them show what each further one costs.
      if (count <= 3) await grow(findings, store, agents, prompt);
    } finally {
      for (const agent of agents) await agent[Symbol.asyncDispose]();
    }
  }
}

function split(total: number, among: number): number[] {
  return Array.from({ length: among }, (_, index) => Math.floor((total + index) / among));
}
