// What whoever opens the store asks its server first, all on one connection: where many start at once, each connection is a process that the
// server forks.
import type { Finding } from '../finding.ts';
import { refuseUnusableStore, schemaStatus } from '../sql/migrations.ts';
import { type ConnectionOptions, weakCommits } from './client.ts';
import type { Ask } from './connect.ts';
import { checkDurability } from './doctor/durability.ts';
import { isHidden, knownMigrations, PostgresSchema, readState } from './migrate.ts';
import type { Server } from './servers.ts';

export interface FirstLook {
  /** The server keeps from this user where its data come from, as some services do: then eras are opened by hand only. */
  readonly isHistoryHidden: boolean;
  /** The server's own `synchronous_commit` is weaker than `on`. */
  readonly commitsWeakly: boolean;
  /** Undefined: it was not asked for, or could not be seen. */
  readonly durability: Durability | undefined;
}

export interface Durability {
  readonly findings: readonly Finding[];
  readonly server: string;
}

export interface FirstLookOptions extends ConnectionOptions {
  readonly schema: string;
  /** Apply pending migrations first. */
  readonly migrate: boolean;
  readonly asksDurability: boolean;
}

/** Fails with StoreUnavailable when the server does not answer, StoreMisconfigured where the schema is not one to work with. */
export async function firstLook(ask: Ask, server: Server, options: FirstLookOptions): Promise<FirstLook> {
  let state = await readState(ask, options.schema);
  if (options.migrate && schemaStatus(state, knownMigrations).pending.length > 0) {
    await new PostgresSchema(options, options.schema).migrate();
    state = await readState(ask, options.schema);
  }
  refuseUnusableStore(state, knownMigrations);
  return {
    isHistoryHidden: await hidesHistory(ask),
    commitsWeakly: await commitsWeakly(ask),
    // Last: one that fails says nothing.
    durability: options.asksDurability
      ? await durabilityOf(ask, server, options.schema).catch(() => undefined)
      : undefined,
  };
}

export async function durabilityOf(ask: Ask, server: Server, schema: string): Promise<Durability> {
  return { findings: await checkDurability(ask, schema), server: server.name };
}

async function commitsWeakly(ask: Ask): Promise<boolean> {
  const [row] = await ask(`select current_setting('synchronous_commit') as setting`);
  return weakCommits.includes(String(row?.['setting']));
}

async function hidesHistory(ask: Ask): Promise<boolean> {
  try {
    await ask('select pg_walfile_name(pg_current_wal_insert_lsn()) from pg_control_system()');
    return false;
  } catch (error) {
    if (isHidden(error)) return true;
    throw error;
  }
}
