// The pool of ordinary connections: opened lazily, idle ones closed.
import { sql } from 'drizzle-orm';
import pg from 'pg';
import { StoreUnavailable } from '../../domain/refusal.ts';
import type { PoolUse } from '../metadata-store.ts';
import type { Pace, SqlDatabase, SqlRunner } from '../sql/database.ts';
import type { Dialect, TableName } from '../sql/dialect.ts';
import {
  nothing,
  type ParameterValues,
  type Statement,
  statement,
  StatementCache,
} from '../sql/statement.ts';
import { BoundedClient, clientConfig, commandBounded, type ConnectionOptions, runBounded } from './client.ts';
import { mayRunAgain, translateError } from './errors.ts';

/** How often a transaction runs again after a deadlock or serialization failure before its caller hears of it. */
const attemptsMax = 10;

/** Operations that wait for a connection at most; what is beyond is refused, so that a store that is away costs bounded memory. */
export const waitingMax = 1_000;

/** Bound of one statement of large work, milliseconds. */
const largeMs = 60_000;

export class PostgresDatabase implements SqlDatabase, AsyncDisposable {
  readonly dialect: Dialect;
  private readonly pool: pg.Pool;
  private readonly statements: StatementCache;
  private readonly attemptMs: number;

  constructor(dialect: Dialect, options: ConnectionOptions & { readonly poolMax: number }) {
    this.dialect = dialect;
    this.attemptMs = options.attemptMs;
    this.statements = new StatementCache(dialect);
    this.pool = new pg.Pool({
      ...clientConfig(options),
      Client: BoundedClient,
      max: options.poolMax,
      idleTimeoutMillis: 30_000,
    });
    // An idle connection that dies is replaced at the next use.
    this.pool.on('error', () => {});
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
    const analyze = statement(
      `analyze_${tables.join('_')}`,
      (d) =>
        sql`analyze ${sql.join(
          tables.map((table) => d.table(table)),
          sql`, `,
        )}`,
      nothing,
    );
    await this.all(analyze, {}, 'large').catch(() => []);
  }

  get use(): PoolUse {
    const { totalCount, idleCount, waitingCount, options } = this.pool;
    const busy = totalCount - idleCount;
    return { pool: 'queries', busy, idle: idleCount, waiting: waitingCount, max: options.max };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.pool.ended) await this.pool.end();
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
    if (this.pool.waitingCount >= waitingMax) {
      throw new StoreUnavailable(`${waitingMax} operations wait for PostgreSQL already`, {
        outcomeUnknown: false,
      });
    }
    const client = await this.pool.connect();
    if (!(client instanceof BoundedClient)) throw new TypeError('the pool made a client of another class');
    let broken = false;
    const onEnd = (): void => {
      broken = true;
    };
    client.once('end', onEnd);
    try {
      return await work(client);
    } finally {
      client.off('end', onEnd);
      client.release(broken);
    }
  }
}
