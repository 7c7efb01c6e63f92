// Port of the SQL layer: what a driver offers to the statements written in this folder.
import { StoreUnavailable } from '../../domain/refusal.ts';
import type { Dialect, TableName } from './dialect.ts';
import type { ParameterValues, Statement } from './statement.ts';

export interface SqlRunner {
  /** Runs one statement and reads its rows. Fails with StoreUnavailable, StoreMisconfigured or ConstraintViolation. */
  all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): Promise<R[]>;
}

export interface SqlDatabase extends SqlRunner {
  readonly dialect: Dialect;
  all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P, pace?: Pace): Promise<R[]>;
  /**
   * One write transaction: READ COMMITTED with row locks on PostgreSQL, BEGIN IMMEDIATE on SQLite. `work` may run more
   * than once (deadlock, serialization failure), so it must not have effects outside. Rolls back when `work` throws.
   */
  transaction<T>(work: (tx: SqlRunner) => Promise<T>, pace?: Pace): Promise<T>;
  /** These tables have just grown a lot: the query planner should know, where it would not find out by itself. Never fails. */
  refreshStatistics(tables: readonly TableName[]): Promise<void>;
}

/** From this many rows on, a write is worth telling the query planner of. */
export const manyRows = 1_000;

/**
 * `large`: the work grows with a topic's or an agent's partitions, 100,000 of them at worst, and no
 * heartbeat waits for it; it may take much longer than an ordinary attempt.
 */
export type Pace = 'ordinary' | 'large';

/** A runner that keeps one connection and says when it became another. */
export interface SqlConnection extends SqlRunner {
  /** Grows each time the connection had to be made anew. */
  readonly incarnation: number;
  /** The key of the advisory lock that the connection holds as long as it lives; null: it takes none. Connects if it must. */
  lockKey(): Promise<number | null>;
  /** The store names this lock now: earlier connections and their locks are no longer needed. */
  lockTold(lockKey: number | null): void;
}

/** A statement broke a constraint of the schema; the code that knows what it meant turns it into a refusal. */
export class ConstraintViolation extends Error {
  override readonly name = 'ConstraintViolation';
  readonly kind: 'unique' | 'foreign_key' | 'check';

  constructor(kind: 'unique' | 'foreign_key' | 'check', options: { cause: unknown }) {
    super(`a ${kind} constraint was violated`, options);
    this.kind = kind;
  }
}

/** Somebody else held a lock for longer than could be waited for. Nothing was done. */
export class LockedByAnother extends StoreUnavailable {}

export async function first<P extends ParameterValues, R>(
  runner: SqlRunner,
  statement: Statement<P, R>,
  parameters: P,
): Promise<R | undefined> {
  return (await runner.all(statement, parameters))[0];
}
