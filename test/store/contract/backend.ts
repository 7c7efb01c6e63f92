// What a backend offers to the contract: databases, any number of stores on each, and the database's own prompt beside them.
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { SchemaAdmin } from '../../../src/store/schema-admin.ts';

export type SqlRow = Readonly<Record<string, unknown>>;

/** A migrated database for one test. Everything opened on it is closed when the test ends. */
export interface ContractDatabase {
  /** Opens the store of one more agent; all of them are in one group that no other test knows. */
  store(): Promise<MetadataStore>;
  /** The same, in another group of the same database. */
  storeOf(group: string): Promise<MetadataStore>;
  /** One statement at the database's prompt, past all code of ours. */
  sql(text: string): Promise<readonly SqlRow[]>;
  /** The database's time in `ms` milliseconds, as an SQL expression. */
  timeIn(ms: number): string;
  /** The tables of all rows that are inserted, updated or deleted while `work` runs, one entry a row, sorted. */
  rowsWritten(work: () => Promise<unknown>): Promise<readonly string[]>;
}

/** A database that nobody has used yet. */
export interface EmptyDatabase {
  open(options: { readonly migrate: boolean }): Promise<MetadataStore>;
  readonly schema: SchemaAdmin;
  sql(text: string): Promise<readonly SqlRow[]>;
}

export interface Backend {
  readonly name: 'postgres' | 'sqlite';
  database(): Promise<ContractDatabase>;
  emptyDatabase(): Promise<EmptyDatabase>;
}

/** Bound of one attempt in tests: far above what any of them needs on a busy machine. */
export const attemptMs = 20_000;

export const tables = [
  'store_info',
  'era',
  'agent_groups',
  'agents',
  'sessions',
  'leases',
  'lease_history',
  'epoch_floors',
  'topics',
  'partitions',
  'segments',
  'consumer_groups',
  'committed_offsets',
  'assignments',
] as const;
