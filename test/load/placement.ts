// What a change of the cluster moves: terms begun, how long partitions were without a leader, and how even the rest is. Read from the
// store's own record of terms, whose times are the database's.
import pg from 'pg';
import { z } from 'zod';
import { AgentProcess, type Env } from '../e2e/cluster.ts';
import { eventually } from '../support/eventually.ts';

const rebalanceForm = z.looseObject({
  partitions: z.object({ total: z.number(), led: z.number(), moving: z.number() }),
  wanted: z.number(),
  agents: z.array(
    z.object({
      agentId: z.string(),
      zone: z.string(),
      share: z.number().nullable(),
      assigned: z.number(),
    }),
  ),
});

type Rebalance = z.infer<typeof rebalanceForm>;

export interface Phase {
  readonly name: string;
  /** From what was done until everything was where it belongs, milliseconds. */
  readonly tookMs: number;
  /** Partitions that have another leader than before. */
  readonly moved: number;
  /** The most terms that began on one partition. */
  readonly termsMax: number;
  /** The longest time that one of them was without a leader, milliseconds. */
  readonly gapMs: number;
  /** The most that an agent is away from its exact share. */
  readonly imbalance: number;
  readonly agents: Rebalance['agents'];
}

export const nameOf = (i: number): string => `agent-${i}`;
export const weightOf = (i: number): number => 1 + (i % 2);

/** Agents by number, in three zones. */
export class Cluster implements AsyncDisposable {
  private readonly env: Env;
  private readonly agents = new Map<number, AgentProcess>();

  constructor(env: Env) {
    this.env = env;
  }

  async start(i: number): Promise<void> {
    const agent = new AgentProcess(nameOf(i), {
      ...this.env,
      SESSION_TTL_MS: '3000',
      AGENT_ZONE: `zone-${i % 3}`,
      AGENT_WEIGHT: String(weightOf(i)),
    });
    this.agents.set(i, agent);
    await agent.active();
  }

  at(i: number): AgentProcess {
    const agent = this.agents.get(i);
    if (agent === undefined) throw new Error(`agent ${i} does not run`);
    return agent;
  }

  async stop(i: number, signal: NodeJS.Signals): Promise<void> {
    this.at(i).kill(signal);
    await this.at(i).program.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.agents.values()].map((agent) => agent[Symbol.asyncDispose]()));
  }
}

export class PlacementRecord implements AsyncDisposable {
  private readonly client: pg.Client;
  private readonly schema: string;

  private constructor(client: pg.Client, schema: string) {
    this.client = client;
    this.schema = schema;
  }

  static async open(url: string, schema: string): Promise<PlacementRecord> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return new PlacementRecord(client, schema);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
  }

  /** Does it, waits until `agents` have everything as the plan wants it, and reads what happened. */
  async phase(
    name: string,
    { witness, agents }: { readonly witness: () => AgentProcess; readonly agents: number },
    change: () => Promise<unknown>,
  ): Promise<Phase> {
    const [{ since } = { since: '' }] = await this.rows(
      z.object({ since: z.string() }),
      'select clock_timestamp()::text as since',
    );
    const startedMs = performance.now();
    await change();
    const settled = await this.settled(witness(), agents);
    const tookMs = performance.now() - startedMs;
    return {
      name,
      tookMs,
      ...(await this.since(since)),
      imbalance: imbalanceOf(settled),
      agents: settled.agents,
    };
  }

  private async settled(witness: AgentProcess, agents: number): Promise<Rebalance> {
    return eventually(
      async () => {
        const now = rebalanceForm.parse((await witness.ask('GET', '/v1/rebalance')).body);
        const { total, led, moving } = now.partitions;
        return now.agents.length === agents && led === total && moving === 0 && now.wanted === 0 && now;
      },
      { what: `${agents} agents to lead everything`, timeoutMs: 120_000, everyMs: 50 },
    );
  }

  private async since(since: string): Promise<Pick<Phase, 'moved' | 'termsMax' | 'gapMs'>> {
    const form = z.object({ moved: z.number(), terms_max: z.number(), gap_ms: z.number() });
    const [row] = await this.rows(
      form,
      `with terms as (
        select name, partition, acquired_at,
          extract(epoch from acquired_at - lag(ended_at) over w) * 1000 as gap_ms,
          lag(agent_id) over w as before
        from ${this.schema}.lease_history where kind = 'partition' window w as (partition by name, partition order by epoch)
      ), begun as (select * from terms where acquired_at > $1::timestamptz)
      select count(distinct (name, partition)) filter (where before is not null)::int as moved,
        coalesce((select max(n) from (select count(*) as n from begun group by name, partition) c), 0)::int as terms_max,
        coalesce(max(gap_ms), 0)::float8 as gap_ms from begun`,
      [since],
    );
    if (row === undefined) throw new Error('no answer');
    return { moved: row.moved, termsMax: row.terms_max, gapMs: row.gap_ms };
  }

  private async rows<T>(form: z.ZodType<T>, text: string, values: readonly unknown[] = []): Promise<T[]> {
    const { rows } = await this.client.query<Record<string, unknown>>(text, [...values]);
    return rows.map((row) => form.parse(row));
  }
}

function imbalanceOf({ agents }: Rebalance): number {
  return Math.max(...agents.map(({ share, assigned }) => (share === null ? 0 : Math.abs(assigned - share))));
}
