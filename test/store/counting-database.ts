// A database that notes which statements it is asked to run.
import type { Pace, SqlDatabase, SqlRunner } from '../../src/store/sql/database.ts';
import type { Dialect } from '../../src/store/sql/dialect.ts';
import type { ParameterValues, Statement } from '../../src/store/sql/statement.ts';

export class CountingDatabase implements SqlDatabase {
  readonly dialect: Dialect;
  /** Their names, in order; `begin` where a transaction of more than one statement began. */
  readonly statements: string[] = [];
  private readonly real: SqlDatabase;

  constructor(real: SqlDatabase) {
    this.real = real;
    this.dialect = real.dialect;
  }

  async all<P extends ParameterValues, R>(
    statement: Statement<P, R>,
    parameters: P,
    pace?: Pace,
  ): Promise<R[]> {
    this.statements.push(statement.name);
    return this.real.all(statement, parameters, pace);
  }

  async transaction<T>(work: (tx: SqlRunner) => Promise<T>, pace?: Pace): Promise<T> {
    this.statements.push('begin');
    return this.real.transaction(
      (tx) =>
        work({
          all: async (statement, parameters) => {
            this.statements.push(statement.name);
            return tx.all(statement, parameters);
          },
        }),
      pace,
    );
  }

  async refreshStatistics(): Promise<void> {}

  /** Those that `work` runs. */
  async during(work: () => Promise<unknown>): Promise<readonly string[]> {
    const start = this.statements.length;
    await work();
    return this.statements.slice(start);
  }
}
