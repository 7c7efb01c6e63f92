// The coordination connection: one, direct, its own. It heartbeats and observes; when it is lost, what was observed counts no more.
import type { SqlConnection } from '../sql/database.ts';
import type { Dialect } from '../sql/dialect.ts';
import { type ParameterValues, type Statement, StatementCache } from '../sql/statement.ts';
import { BoundedClient, clientConfig, type ConnectionOptions, runBounded } from './client.ts';
import { translateError } from './errors.ts';

export class PostgresConnection implements SqlConnection, AsyncDisposable {
  private readonly options: ConnectionOptions;
  private readonly statements: StatementCache;
  private current: Promise<BoundedClient> | undefined;
  private closed = false;
  private made = 0;

  constructor(dialect: Dialect, options: ConnectionOptions) {
    this.options = options;
    this.statements = new StatementCache(dialect);
  }

  get incarnation(): number {
    return this.made;
  }

  async all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    try {
      const client = await this.connected();
      const compiled = this.statements.get(statement);
      const rows = await runBounded(client, statement.name, compiled, parameters, this.options.attemptMs);
      return rows.map(statement.read);
    } catch (error) {
      throw translateError(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    const client = await this.current?.catch(() => undefined);
    this.current = undefined;
    client?.cut();
  }

  private async connected(): Promise<BoundedClient> {
    if (this.closed) throw new Error('the coordination connection is closed');
    if (!this.current) {
      const forget = (): void => {
        if (this.current === attempt) this.current = undefined;
      };
      const attempt = this.connect(forget);
      this.current = attempt;
      attempt.catch(forget);
    }
    return this.current;
  }

  private async connect(onEnd: () => void): Promise<BoundedClient> {
    const client = new BoundedClient(clientConfig(this.options));
    client.once('end', onEnd);
    try {
      await client.connect();
    } catch (error) {
      client.cut();
      throw error;
    }
    this.made += 1;
    return client;
  }
}
