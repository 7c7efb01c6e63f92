// Agents as real processes of the built program on one store, spoken to over HTTP alone, as a broker or an operator would.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { eventually } from '../support/eventually.ts';
import type { PostgresTarget } from '../support/postgres-global.ts';
import { type Program, startProgram } from '../support/program.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';

const lease = z.looseObject({
  topic: z.string(),
  partition: z.number(),
  agentId: z.string().nullable(),
  epoch: z.number(),
});
const leasesAnswer = z.looseObject({ leases: z.array(lease), nextCursor: z.string().optional() });
const heldAnswer = z.object({
  trustedForMs: z.number(),
  leases: z.array(z.object({ topic: z.string(), partition: z.number(), epoch: z.number() })),
});
const selfAnswer = z.looseObject({
  sessionId: z.string().nullable(),
  state: z.string(),
  coordinator: z.boolean(),
});

const jsonObject = z.record(z.string(), z.unknown());
const ascending = (a: number, b: number): number => a - b;

export type Lease = z.infer<typeof lease>;
export type Env = Readonly<Record<string, string>>;

/** A store that agents share, and how to make it vanish. */
export interface SharedStore extends AsyncDisposable {
  readonly env: Env;
}

export function postgresStore(url: string): SharedStore {
  const schema = freshSchemaName();
  return {
    env: { DATABASE_URL: url, DATABASE_SCHEMA: schema },
    [Symbol.asyncDispose]: () => dropSchema(url, schema),
  };
}

export function sqliteStore(): SharedStore {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-e2e-'));
  return {
    env: { DATABASE_URL: `sqlite:${join(directory, 'metadata.db')}` },
    async [Symbol.asyncDispose]() {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** One of each kind, by name, for `describe.each`. */
export function storesToShare(targets: readonly PostgresTarget[]): [string, () => SharedStore][] {
  const postgres = targets
    .slice(0, 1)
    .map(({ name, url }): [string, () => SharedStore] => [name, () => postgresStore(url)]);
  return [...postgres, ['SQLite', sqliteStore]];
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export class AgentProcess implements AsyncDisposable {
  readonly agentId: string;
  readonly program: Program;
  private url: string | undefined;

  constructor(agentId: string, env: Env) {
    this.agentId = agentId;
    this.program = startProgram(['agent'], {
      env: { HTTP_PORT: '0', SESSION_TTL_MS: '2000', LOG_FORMAT: 'json', AGENT_ID: agentId, ...env },
    });
  }

  async baseUrl(): Promise<string> {
    if (this.url === undefined) {
      const record = await this.program.waitForLog(({ msg }) => msg === 'listening');
      this.url = z.string().parse(record['url']);
    }
    return this.url;
  }

  async ask(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${await this.baseUrl()}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text.startsWith('{') ? jsonObject.parse(JSON.parse(text)) : {},
    };
  }

  async self(): Promise<z.infer<typeof selfAnswer>> {
    return selfAnswer.parse((await this.ask('GET', '/v1/agent')).body);
  }

  /** Partitions it says it holds and trusts. */
  async held(): Promise<z.infer<typeof heldAnswer>['leases']> {
    return heldAnswer.parse((await this.ask('GET', '/v1/held')).body).leases;
  }

  /** Every lease by `topic/partition`, as this agent's store shows them. */
  async leases(topic = ''): Promise<ReadonlyMap<string, Lease>> {
    const found = new Map<string, Lease>();
    let cursor = '';
    for (;;) {
      const query = `limit=10000${topic && `&topic=${topic}`}${cursor && `&cursor=${cursor}`}`;
      const { leases, nextCursor } = leasesAnswer.parse((await this.ask('GET', `/v1/leases?${query}`)).body);
      for (const item of leases) found.set(`${item.topic}/${item.partition}`, item);
      if (nextCursor === undefined) return found;
      cursor = nextCursor;
    }
  }

  async active(): Promise<void> {
    await eventually(async () => (await this.self()).state === 'active', {
      what: `${this.agentId} to be active`,
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.program.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A stopped process does not notice anything but SIGKILL, which dispose sends.
    await this.program[Symbol.asyncDispose]();
  }
}

/** How many partitions each agent says it holds, in order. */
export async function heldCounts(agents: readonly AgentProcess[]): Promise<number[]> {
  return Promise.all(agents.map(async (agent) => (await agent.held()).length));
}

export async function untilHeld(agents: readonly AgentProcess[], expected: readonly number[]): Promise<void> {
  await eventually(
    async () => (await heldCounts(agents)).toSorted(ascending).join() === expected.toSorted(ascending).join(),
    {
      what: `held counts ${expected.join()}`,
    },
  );
}

/** Waits until every partition is led by one of `agents`, and answers the leases. */
export async function untilLedBy(
  agents: readonly AgentProcess[],
  partitions: number,
): Promise<ReadonlyMap<string, Lease>> {
  const names = new Set(agents.map((agent) => agent.agentId));
  const [asked] = agents;
  if (asked === undefined) throw new Error('no agent to ask');
  return eventually(
    async () => {
      const leases = await asked.leases();
      const led = [...leases.values()].filter(({ agentId }) => agentId !== null && names.has(agentId));
      return led.length === partitions ? leases : undefined;
    },
    { what: `${partitions} partitions led by ${[...names].join()}` },
  );
}

export function segment(id: string, baseOffset: number, endOffset: number): object {
  const recordCount = endOffset - baseOffset + 1;
  return { id, baseOffset, endOffset, recordCount, sizeBytes: 100, bucket: 'b', key: `k/${id}` };
}
