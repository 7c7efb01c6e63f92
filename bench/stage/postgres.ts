// PostgreSQL as it is to be run in production: every commit is on the disk before it is answered.
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import { type PostgresServer, startPostgresServer } from '../../test/support/postgres-server.ts';
import { dropSchema, freshSchemaName } from '../../test/support/schema.ts';
import { createTopic } from './cast.ts';

export const productionSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
} as const;

export async function startProductionPostgres(): Promise<PostgresServer> {
  return startPostgresServer({ major: 16, settings: productionSettings });
}

/** The program's own default. */
export const poolMax = 4;
export const group = 'bench';

/** Bound of one attempt: no bench is about time-outs. */
const attemptMs = 60_000;

export interface PostgresStage extends AsyncDisposable {
  readonly url: string;
  readonly schema: string;
  readonly store: MetadataStore;
  /** Another store on the same schema, as of another agent. */
  open(): Promise<MetadataStore>;
  /** By a store of its own: what a large topic is followed by, an ANALYZE, is over then. */
  createTopic(name: string, partitionCount: number): Promise<void>;
}

/** A schema of its own with a store on it; gone when it is disposed of. */
export async function postgresStage(url: string): Promise<PostgresStage> {
  const schema = freshSchemaName();
  const opened: MetadataStore[] = [];
  const open = async (): Promise<MetadataStore> => {
    const store = await openPostgresStore(connectionOf(url, schema));
    opened.push(store);
    return store;
  };
  return {
    url,
    schema,
    store: await open(),
    open,
    async createTopic(name, partitionCount) {
      await using store = await openPostgresStore(connectionOf(url, schema));
      await createTopic(store, name, partitionCount);
    },
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store[Symbol.asyncDispose]();
      await dropSchema(url, schema);
    },
  };
}

export function connectionOf(url: string, schema: string) {
  return {
    connectionString: url,
    directConnectionString: url,
    applicationName: 'bench',
    attemptMs,
    schema,
    group,
    poolMax,
    migrate: true,
  };
}
