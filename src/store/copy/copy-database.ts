// Port: what the copy asks of a database. Values travel in one form whatever the backend, so that both sides can be compared.
import type { SchemaAdmin } from '../schema-admin.ts';
import type { SqlRunner } from '../sql/database.ts';
import type { Row } from '../sql/statement.ts';

/** Times are microseconds since 1970, booleans 0 and 1, JSON its text. */
export type CopyValue = string | number | null;
export type CopyRow = readonly CopyValue[];

/** `stored`: SQLite does not say what an integer or a text means; beside PostgreSQL its word counts. */
export type ColumnKind = 'integer' | 'text' | 'time' | 'json' | 'boolean' | 'stored';

export interface CopyColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  /** The database's own name of the type. */
  readonly type: string;
}

/** A table as the database itself describes it. */
export interface CopyTable {
  readonly name: string;
  readonly columns: readonly CopyColumn[];
  /** Columns of the primary key, in its order. */
  readonly key: readonly string[];
  /** Tables that its rows refer to. */
  readonly refersTo: readonly string[];
}

/** What is selected in place of a column: SQL over the table as `t`, in words that both backends know. */
export type Selection = (column: string, table: (name: string) => string) => string;

export interface CopyRunner extends SqlRunner {
  /** `values` are bound to `$1`, `$2`, … */
  query(text: string, values?: CopyRow): Promise<Row[]>;
}

export interface CopyDatabase extends CopyRunner, AsyncDisposable {
  readonly backend: 'postgres' | 'sqlite';
  readonly schema: SchemaAdmin;
  /** Which store this is: the same for every way to it, another one for every other store. */
  identity(): Promise<string>;
  tables(): Promise<readonly CopyTable[]>;
  /** The table's name as statements say it. */
  table(name: string): string;
  /** Rows behind the key `after`, in the key's order. */
  read(table: CopyTable, after: CopyRow | undefined, limit: number, selection: Selection): Promise<CopyRow[]>;
  transaction<T>(work: (tx: CopyRunner) => Promise<T>): Promise<T>;
  insert(tx: CopyRunner, table: CopyTable, rows: readonly CopyRow[]): Promise<void>;
  /** Empties the tables past the triggers that keep leases from being lost; they are as before when it commits. */
  empty(tx: CopyRunner, tables: readonly CopyTable[]): Promise<void>;
  /** After the last row: generated ids go on behind those that were copied. */
  continueIds(tx: CopyRunner, tables: readonly CopyTable[]): Promise<void>;
  /** Tells the query planner what is there now. */
  analyze(): Promise<void>;
}
