// Failovers that lose commits, with real servers and real agents: a standby is cut off, leases are granted that it never hears of, the
// primary is killed and the standby promoted. The agents find out by themselves. Said of each round: was an epoch given out twice, or below
// one that was given out before; was a write accepted of somebody whom the promoted server takes for the leader; how many eras were opened.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../src/platform/free-port.ts';
import { AgentProcess, segment, untilHeld, untilLedBy } from '../e2e/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type PostgresServer, startPostgresServer } from '../support/postgres-server.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { giveToServer } from '../support/unprivileged-user.ts';

const partitions = 6;
const ttlMs = 2_000;
// Nothing here is proven about the loss of power.
const settings = { fsync: 'off' };
const major = 16;

interface Grant {
  readonly lease: string;
  readonly epoch: number;
  readonly sessionId: string;
}

export interface Promotion {
  readonly era: number;
  readonly timeline: number;
  /** Grants that the promoted server had never heard of. */
  readonly lostGrants: number;
  /** Everything that must not be; empty. */
  readonly violations: readonly string[];
  /** Writes under epochs of the lost history that were tried, all refused. */
  readonly staleWrites: number;
  /** From the promotion until every partition was led again, milliseconds. */
  readonly ledAfterMs: number;
}

export class PromotionStage implements AsyncDisposable {
  private readonly directory: string;
  private readonly agents: AgentProcess[] = [];
  private readonly port: number;
  private proxy: FaultProxy | undefined;
  private primary: PostgresServer;
  /** All that was ever given out, also by servers that are gone. */
  private readonly given = new Map<string, Grant>();
  private rounds = 0;

  private constructor(directory: string, port: number, primary: PostgresServer) {
    this.directory = directory;
    this.port = port;
    this.primary = primary;
  }

  static async set(): Promise<PromotionStage> {
    const directory = mkdtempSync(join(tmpdir(), 'streamhouse-promotions-'));
    giveToServer(directory);
    const primary = await startPostgresServer({ major, dataDir: join(directory, 'first'), settings });
    const stage = new PromotionStage(directory, await freePort(), primary);
    await stage.reach(primary);
    const env = { DATABASE_URL: `postgres://postgres@127.0.0.1:${stage.port}/postgres` };
    for (const name of ['a', 'b', 'c']) {
      stage.agents.push(new AgentProcess(name, { ...env, SESSION_TTL_MS: String(ttlMs) }));
    }
    const [asked] = stage.agents;
    await Promise.all(stage.agents.map((agent) => agent.active()));
    await asked?.ask('POST', '/v1/topics', { name: 'orders', partitionCount: partitions });
    return stage;
  }

  /** One failover. Begins and ends with all partitions led. */
  async promote(): Promise<Promotion> {
    const { agents, primary } = this;
    await untilHeld(agents, [2, 2, 2]);
    const standby = await this.standby();
    const eraBefore = await oneRow<{ number: number }>(primary, 'select number::int from streamhouse.era');

    // What comes now is lost: everything that this agent leads goes to the others.
    await standby.stop();
    const stale = agents[this.rounds % agents.length];
    if (stale === undefined) throw new Error('no agents');
    this.rounds += 1;
    const left = await stale.held();
    const others = agents.filter((agent) => agent !== stale);
    await others[0]?.ask('POST', `/v1/agents/${stale.agentId}/drain`);
    const lost = await untilLedBy(others, partitions);
    const known = await grants(primary);
    for (const grant of known) this.given.set(keyOf(grant), grant);
    await primary.kill9();
    await this.proxy?.close();

    await standby.start();
    const lostGrants = known.length - (await grants(standby)).length;
    await oneRow(standby, 'select pg_promote()');
    await this.reach(standby);
    const promotedMs = performance.now();
    this.primary = standby;
    const writes = [
      ...left.map(({ partition, epoch }) => ({ agent: stale, partition, epoch })),
      ...[...lost.values()].map(({ partition, epoch, agentId }) => ({
        agent: agents.find((agent) => agent.agentId === agentId) ?? stale,
        partition,
        epoch,
      })),
    ];
    const { accepted, tried } = await this.writeUntilLed(writes);
    const ledAfterMs = performance.now() - promotedMs;

    const era = await oneRow<{ number: number; timeline: number }>(
      standby,
      'select number::int, timeline::int from streamhouse.era',
    );
    const violations = [...accepted, ...this.compare(await grants(standby))];
    if (era.number !== eraBefore.number + 1) {
      violations.push(`era ${eraBefore.number} was followed by ${era.number}`);
    }
    if (lostGrants === 0) violations.push('nothing was lost: the round proves nothing');
    await primary[Symbol.asyncDispose]();
    rmSync(primary.dataDir, { recursive: true, force: true });
    return {
      era: era.number,
      timeline: era.timeline,
      lostGrants,
      violations,
      staleWrites: tried,
      ledAfterMs,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.agents) await agent[Symbol.asyncDispose]();
    await this.proxy?.close();
    await this.primary[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The name under which the agents know the primary. */
  private async reach(server: PostgresServer): Promise<void> {
    this.proxy = await startProxy(server.port, { port: this.port });
  }

  /** A streaming standby that has everything. */
  private async standby(): Promise<PostgresServer> {
    const { primary } = this;
    const dataDir = join(this.directory, `promoted-${this.rounds + 1}`);
    const client = await connected(primary);
    try {
      await client.query(`select pg_backup_start('promotion', true)`);
      const isCopied = (path: string) => !/^(postmaster\.|\.s\.PGSQL)/.test(basename(path));
      cpSync(primary.dataDir, dataDir, { recursive: true, filter: isCopied });
      const { rows } = await client.query<{ labelfile: string }>(
        'select labelfile from pg_backup_stop(false)',
      );
      writeFileSync(join(dataDir, 'backup_label'), rows[0]?.labelfile ?? '');
    } finally {
      await client.end();
    }
    writeFileSync(join(dataDir, 'standby.signal'), '');
    writeFileSync(
      join(dataDir, 'postgresql.auto.conf'),
      `primary_conninfo = 'host=127.0.0.1 port=${primary.port} user=postgres'\n`,
    );
    giveToServer(dataDir);
    const standby = await startPostgresServer({ major, dataDir, settings });
    const streams = `select count(*)::int as count from pg_stat_replication
      where state = 'streaming' and replay_lsn >= pg_current_wal_lsn() - 1024::numeric`;
    await eventually(async () => (await oneRow<{ count: number }>(primary, streams)).count === 1, {
      what: 'the standby to stream',
    });
    return standby;
  }

  /** Writes under terms that are over, again and again, until every partition is led under another. */
  private async writeUntilLed(
    writes: readonly { readonly agent: AgentProcess; readonly partition: number; readonly epoch: number }[],
  ): Promise<{ readonly accepted: string[]; readonly tried: number }> {
    const newest = Math.max(...writes.map(({ epoch }) => epoch));
    const accepted: string[] = [];
    let tried = 0;
    await eventually(
      async () => {
        for (const { agent, partition, epoch } of writes) {
          const body = { epoch, ...segment(`stale-${this.rounds}-${partition}-${epoch}`, 0, 9) };
          const { status } = await agent.ask(
            'POST',
            `/v1/topics/orders/partitions/${partition}/segments`,
            body,
          );
          tried += 1;
          if (status < 300) accepted.push(`${agent.agentId} wrote to ${partition} under ${epoch}`);
        }
        const leases = await this.agents[0]?.leases();
        return (
          [...(leases?.values() ?? [])].filter(({ agentId, epoch }) => agentId !== null && epoch > newest)
            .length === partitions
        );
      },
      { what: 'all partitions to be led in a new era', timeoutMs: 60_000 },
    );
    return { accepted, tried };
  }

  private compare(now: readonly Grant[]): string[] {
    const highest = new Map<string, number>();
    for (const { lease, epoch } of this.given.values()) {
      highest.set(lease, Math.max(epoch, highest.get(lease) ?? 0));
    }
    return now.flatMap((grant) => {
      const { lease, epoch, sessionId } = grant;
      const same = this.given.get(keyOf(grant));
      if (same !== undefined) return same.sessionId === sessionId ? [] : [`epoch ${epoch} of ${lease} twice`];
      this.given.set(keyOf(grant), grant);
      const below = highest.get(lease) ?? 0;
      return epoch > below ? [] : [`epoch ${epoch} of ${lease} after ${below}`];
    });
  }
}

function keyOf({ lease, epoch }: Grant): string {
  return `${lease} ${epoch}`;
}

async function grants(server: PostgresServer): Promise<Grant[]> {
  const client = await connected(server);
  try {
    const { rows } = await client.query<{ lease: string; epoch: string; session_id: string }>(
      `select kind || '/' || name || '/' || partition as lease, epoch, session_id from streamhouse.lease_history`,
    );
    return rows.map((row) => ({ lease: row.lease, epoch: Number(row.epoch), sessionId: row.session_id }));
  } finally {
    await client.end();
  }
}

async function oneRow<T extends pg.QueryResultRow>(server: PostgresServer, text: string): Promise<T> {
  const client = await connected(server);
  try {
    const [row] = (await client.query<T>(text)).rows;
    if (row === undefined) throw new Error(`no row: ${text}`);
    return row;
  } finally {
    await client.end();
  }
}

async function connected({ url }: PostgresServer): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // a server that is killed rejects the query as well
  await client.connect();
  return client;
}
