// A primary and a streaming standby of it, made of a copy of the primary's data directory while it stands still: npm brings no
// pg_basebackup. The standby may be stopped for a while to miss what is written, and promoted, as any server.
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { eventually } from './eventually.ts';
import type { PostgresMajor } from './postgres-binaries.ts';
import { type PostgresServer, type Settings, startPostgresServer } from './postgres-server.ts';

export interface PairOptions {
  readonly major: PostgresMajor;
  /** Of both, on top of the defaults. */
  readonly settings?: Settings;
  /** The standby's `application_name`, by which `synchronous_standby_names` knows it. Default: standby. */
  readonly name?: string;
}

export interface ServerPair extends AsyncDisposable {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
}

/** Resolves when the standby streams. */
export async function startServerPair(options: PairOptions): Promise<ServerPair> {
  const { major, settings = {}, name = 'standby' } = options;
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-pair-'));
  chmodSync(directory, 0o755); // the server's user must come through
  const servers: PostgresServer[] = [];
  const end = async (): Promise<void> => {
    for (const server of servers.splice(0).toReversed()) await server[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  };
  try {
    const [first, second] = [join(directory, 'first'), join(directory, 'second')];
    const primary = await startPostgresServer({ major, dataDir: first, settings });
    servers.push(primary);
    await primary.stop();
    cpSync(first, second, { recursive: true });
    chmodSync(second, 0o700);
    writeFileSync(join(second, 'standby.signal'), '');
    await primary.start();
    const conninfo = `host=127.0.0.1 port=${primary.port} user=postgres application_name=${name}`;
    const standby = await startPostgresServer({
      major,
      dataDir: second,
      settings: { ...settings, primary_conninfo: conninfo },
    });
    servers.push(standby);
    await streaming(primary);
    return { primary, standby, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Resolves when all that was written to the primary so far is there to be read on a standby. */
export async function caughtUp(primary: PostgresServer): Promise<void> {
  const [row] = await askServer<{ at: string }>(primary, 'select pg_current_wal_lsn()::text as at');
  await eventually(async () => {
    const rows = await askServer(
      primary,
      `select from pg_stat_replication where state = 'streaming' and replay_lsn >= $1::pg_lsn`,
      [row?.at],
    );
    return rows.length > 0;
  });
}

/** Makes a standby the primary; resolves when it takes writes. */
export async function promote(standby: PostgresServer): Promise<void> {
  await askServer(standby, 'select pg_promote()');
}

/** One question, on a connection of its own. */
export async function askServer<Row extends object>(
  server: PostgresServer,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: server.url });
  client.on('error', () => undefined); // rejects the query as well
  await client.connect();
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

async function streaming(primary: PostgresServer): Promise<void> {
  await eventually(async () => {
    const rows = await askServer(primary, `select from pg_stat_replication where state = 'streaming'`);
    return rows.length > 0;
  });
}
