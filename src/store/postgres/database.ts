// The pool of ordinary connections: opened lazily, idle ones closed.
import { sql } from 'drizzle-orm';
import type { PoolUse } from '../metadata-store.ts';
import type { Pace, SqlDatabase, SqlRunner } from '../sql/database.ts';
import type { Dialect, TableName } from '../sql/dialect.ts';
import {
  type NoParameters,
  nothing,
  type ParameterValues,
  type Statement,
  statement,
  StatementCache,
} from '../sql/statement.ts';
import { type BoundedClient, commandBounded, type ConnectionOptions, runBounded } from './client.ts';
import { mayRunAgain, NotWritable, translateError } from './errors.ts';
import { Pools } from './pools.ts';
import { Statistics } from './statistics.ts';

/** How often a transaction runs again after a deadlock or serialization failure before its caller hears of it. */
const attemptsMax = 10;

/** Bound of one statement of large work, milliseconds. */
const largeMs = 60_000;

export class PostgresDatabase implements SqlDatabase, AsyncDisposable {
  readonly dialect: Dialect;
  private readonly pools: Pools;
  private readonly statements: StatementCache;
  private readonly attemptMs: number;
  private readonly statistics = new Statistics((tables) => this.all(analyze(tables), {}, 'large'));

  constructor(dialect: Dialect, options: ConnectionOptions & { readonly poolMax: number }) {
    this.dialect = dialect;
    this.attemptMs = options.attemptMs;
    this.statements = new StatementCache(dialect);
    this.pools = new Pools(options);
  }

  async all<P extends ParameterValues, R>(
    statement: Statement<P, R>,
    parameters: P,
    pace: Pace = 'ordinary',
  ): Promise<R[]> {
    if (pace === 'large') return this.transaction((tx) => tx.all(statement, parameters), pace);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.withClient((client) => this.run(client, statement, parameters, this.attemptMs));
      } catch (error) {
        if (!mayRunAgain(error) || attempt >= attemptsMax) throw translateError(error);
      }
    }
  }

  async transaction<T>(work: (tx: SqlRunner) => Promise<T>, pace: Pace = 'ordinary'): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.withClient((client) => this.transactOn(client, work, pace));
      } catch (error) {
        if (!mayRunAgain(error) || attempt >= attemptsMax) throw translateError(error);
      }
    }
  }

  /** Autovacuum would do it within a minute or so, in which plans made for empty tables take quadratic time. */
  async refreshStatistics(tables: readonly TableName[]): Promise<void> {
    await this.statistics.refresh(tables);
  }

  get use(): PoolUse {
    return { pool: 'queries', ...this.pools.use };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.statistics[Symbol.asyncDispose]();
    await this.pools[Symbol.asyncDispose]();
  }

  private async transactOn<T>(
    client: BoundedClient,
    work: (tx: SqlRunner) => Promise<T>,
    pace: Pace,
  ): Promise<T> {
    const attemptMs = pace === 'large' ? Math.max(largeMs, this.attemptMs) : this.attemptMs;
    await commandBounded(client, 'begin', this.attemptMs);
    try {
      if (pace === 'large') {
        await commandBounded(client, `set local statement_timeout = ${attemptMs}`, this.attemptMs);
      }
      const result = await work({
        all: (statement, parameters) => this.run(client, statement, parameters, attemptMs),
      });
      await commandBounded(client, 'commit', attemptMs);
      return result;
    } catch (error) {
      // A connection that cannot even roll back is dropped by withClient; the server then rolls back by itself.
      await commandBounded(client, 'rollback', this.attemptMs).catch(() => client.cut());
      throw error;
    }
  }

  private async run<P extends ParameterValues, R>(
    client: BoundedClient,
    statement: Statement<P, R>,
    parameters: P,
    attemptMs: number,
  ): Promise<R[]> {
    const compiled = this.statements.get(statement);
    try {
      const rows = await runBounded(client, statement.name, compiled, parameters, attemptMs);
      return rows.map(statement.read);
    } catch (error) {
      // Deadlocks stay recognisable for the retry above; everything else is translated where it happened, so that
      // a transaction's work sees constraint violations as such.
      throw mayRunAgain(error) ? error : translateError(error);
    }
  }

  private async withClient<T>(work: (client: BoundedClient) => Promise<T>): Promise<T> {
    const { client, server, release } = await this.pools.take();
    let isLeft = false;
    try {
      return await work(client);
    } catch (error) {
      if (translateError(error) instanceof NotWritable) {
        isLeft = true;
        this.pools.leave(server);
      }
      throw error;
    } finally {
      release(isLeft || client.isOver);
    }
  }
}

function analyze(tables: readonly TableName[]): Statement<NoParameters, void> {
  return statement(
    `analyze_${tables.join('_')}`,
    (d) =>
      sql`analyze ${sql.join(
        tables.map((table) => d.table(table)),
        sql`, `,
      )}`,
    nothing,
  );
}
