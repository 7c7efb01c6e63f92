// What the two backends say differently in SQL. Everything else is one text, written once in this folder.
import type { SQL } from 'drizzle-orm';

export type TableName =
  | 'store_info'
  | 'era'
  | 'agent_groups'
  | 'agents'
  | 'sessions'
  | 'leases'
  | 'lease_history'
  | 'epoch_floors'
  | 'topics'
  | 'partitions'
  | 'segments'
  | 'consumer_groups'
  | 'committed_offsets'
  | 'assignments';

export type ParameterType = 'text' | 'integer' | 'bigint' | 'uuid' | 'json';

/** A statement's text and the parameter names in the order the driver wants their values. */
export interface CompiledSql {
  readonly text: string;
  readonly parameters: readonly unknown[];
}

export interface Dialect {
  /** The table, qualified with the configured schema where there is one. */
  table(name: TableName): SQL;
  /** A named parameter. The type is said because a server cannot always infer it. */
  parameter(name: string, type: ParameterType): SQL;
  /**
   * An array parameter as a row source: `from ${rows('keys', {name: 'text'})} as k`. What it looks up stands behind it and
   * is `cross join`ed, with the conditions in WHERE: the same join to PostgreSQL, and to SQLite the order to join in.
   * Left to itself SQLite would read the array anew for every row of the table.
   */
  rows(name: string, columns: Readonly<Record<string, ParameterType>>): SQL;
  /** Ends a subquery that is to be planned by itself; empty where all are. */
  readonly fence: SQL;
  /** Behind row sources: their rows' `table` rows as `alias`, looked up for each by `on`, whatever is believed of the table's size. */
  lookUp(table: TableName, alias: string, on: SQL): SQL;
  /**
   * Behind a row source: beside each row those of `rows` by `on`, equalities alone, or nulls. In one pass over both, whatever is believed of their
   * sizes: PostgreSQL has no other way where what is without a partner on either side is asked for. So those of `rows` without one come too, with nulls
   * before them: leave them out by a condition that is no comparison with a null (`coalesce`), which it would see through.
   */
  joinWhole(rows: SQL, alias: string, on: SQL): SQL;
  /**
   * A condition on the rows of `table` that a statement changes: those that `found` (from its FROM on) finds as `alias`. `key` names each. Nothing is joined,
   * so that nothing is compared with anything.
   */
  isFound(alias: string, key: readonly string[], found: SQL): SQL;
  /** The database's clock, moving within a transaction. */
  readonly now: SQL;
  /** A time, `ms` milliseconds later. */
  plusMs(time: SQL, ms: SQL): SQL;
  /** Milliseconds from `from` to `to`. */
  msBetween(from: SQL, to: SQL): SQL;
  /** A time column as milliseconds since 1970, which rows carry. */
  timeMs(time: SQL): SQL;
  /** The greater of two numbers. */
  greatest(a: SQL, b: SQL): SQL;
  /** A row lock clause; empty where a write transaction has the store to itself. */
  lock(strength: 'update' | 'no key update' | 'key share', of: string, wait?: 'skip locked'): SQL;
  /**
   * Where the server says that its data come from, as a row source of one row with the columns `system_identifier` (text), `timeline` and
   * `position` (bytes of log written). All null where it does not say. Evaluated anew by each statement.
   */
  readonly history: SQL;
  /** The keys of all advisory locks that are held in this database now, as a row source with the column `key`. */
  readonly heldLocks: SQL;
  /** `name`: of the statement, which a server's log and views then show. */
  compile(statement: SQL, name?: string): CompiledSql;
}
