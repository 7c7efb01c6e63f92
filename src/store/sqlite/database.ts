// The database: one connection that writes, one transaction after the other, and one that reads. A read on its own sees what
// is committed and waits for nobody, neither for another process's lock nor for a transaction of ours under way.
import { Serial } from '../../platform/serial.ts';
import type { SqlConnection, SqlDatabase, SqlRunner } from '../sql/database.ts';
import type { Dialect } from '../sql/dialect.ts';
import { type ParameterValues, type Statement, StatementCache } from '../sql/statement.ts';
import { SqliteConnection } from './connection.ts';
import { translateError } from './errors.ts';
import { type Patience, patience, whenUnlocked } from './waiting.ts';
import { mayWrite } from './writes.ts';

export interface SqliteDatabaseOptions {
  /** Absolute path. */
  readonly file: string;
  /** Bound of one operation's waiting for locks, milliseconds. */
  readonly attemptMs: number;
}

export class SqliteDatabase implements SqlDatabase, SqlConnection, AsyncDisposable {
  readonly dialect: Dialect;
  /** A file has no server behind it that could be lost between two observations. */
  readonly incarnation = 1;
  private readonly options: SqliteDatabaseOptions;
  private readonly statements: StatementCache;
  private readonly reader: SqliteConnection;
  private readonly writer: SqliteConnection;
  private readonly writing = new Serial();

  constructor(dialect: Dialect, options: SqliteDatabaseOptions) {
    this.dialect = dialect;
    this.options = options;
    this.statements = new StatementCache(dialect);
    this.reader = new SqliteConnection(options.file, this.statements);
    this.writer = new SqliteConnection(options.file, this.statements);
  }

  /** A file has no server that would notice who has gone. */
  async lockKey(): Promise<null> {
    return null;
  }

  lockTold(): void {}

  async all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    if (mayWrite(this.statements.get(statement))) {
      return this.transaction((tx) => tx.all(statement, parameters));
    }
    return this.translated(() => whenUnlocked(this.patience(), () => this.reader.all(statement, parameters)));
  }

  async transaction<T>(work: (tx: SqlRunner) => Promise<T>): Promise<T> {
    // Patience begins now: standing in our own queue counts as well.
    const patience = this.patience();
    return this.translated(() => this.writing.run(() => this.transact(patience, work)));
  }

  /** Nothing to do: the first migration has told the planner, once for all, to expect a large cluster. */
  async refreshStatistics(): Promise<void> {}

  /** Differs from the time before when anybody but this object has committed something meanwhile. */
  async dataVersion(): Promise<number> {
    // Asked on the writer: SQLite leaves out the commits of the connection that asks.
    const patience = this.patience();
    const ask = () => this.writer.rows('pragma data_version');
    const rows = await this.translated(() => this.writing.run(() => whenUnlocked(patience, ask)));
    return Number(rows[0]?.['data_version']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writing.run(async () => this.writer[Symbol.dispose]());
    this.reader[Symbol.dispose]();
  }

  private async transact<T>(patience: Patience, work: (tx: SqlRunner) => Promise<T>): Promise<T> {
    // IMMEDIATE: whatever is read from here on stays true until the commit.
    await whenUnlocked(patience, () => this.writer.exec('begin immediate'));
    try {
      const result = await work({
        all: async (statement, parameters) => this.run(statement, parameters),
      });
      this.commit();
      return result;
    } catch (error) {
      this.writer.rollback();
      throw error;
    }
  }

  /** Translated here already: a transaction's work wants to know constraint violations as such. */
  private run<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): R[] {
    try {
      return this.writer.all(statement, parameters);
    } catch (error) {
      throw translateError(error, this.options.file);
    }
  }

  private commit(): void {
    try {
      this.writer.exec('commit');
    } catch (error) {
      throw translateError(error, this.options.file, true);
    }
  }

  private async translated<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translateError(error, this.options.file);
    }
  }

  private patience(): Patience {
    return patience(this.options.file, this.options.attemptMs);
  }
}
