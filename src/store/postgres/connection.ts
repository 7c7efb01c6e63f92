// The coordination connection: one, direct, its own. It heartbeats and observes; when it is lost, what was observed counts no more.
// With crash detection it holds an advisory lock as long as it lives, which others see vanish with it.
//
// A connection that was too slow is not cut then, but set aside: its lock still says that we live, until a heartbeat on another
// connection has said so under another lock. So a lock vanishes with the process or with the network, never because of a time-out.
import { StoreUnavailable } from '../../domain/refusal.ts';
import { within } from '../../platform/within.ts';
import type { SqlConnection } from '../sql/database.ts';
import type { ConnectionLock } from '../sessions.ts';
import type { Dialect } from '../sql/dialect.ts';
import { type ParameterValues, type Statement, StatementCache } from '../sql/statement.ts';
import {
  type BoundedClient,
  type ConnectionOptions,
  LeftWaiting,
  queryBounded,
  runBounded,
  runOrLeave,
} from './client.ts';
import { type Connected, connectWritable, serversOf } from './connect.ts';
import { NotWritable, translateError } from './errors.ts';
import { LockKeys, ShownLocks } from './shown-locks.ts';
import type { Server, Servers } from './servers.ts';

export interface CoordinationOptions extends ConnectionOptions {
  /** Made already, and asked to commit as the others do. */
  readonly first?: Connected | undefined;
  /** Called when a connection that held a lock was lost; undefined: no lock is taken. */
  readonly onLockLost?: (() => void) | undefined;
  /** Called with what became of the lock of each connection that is made. */
  readonly onLock?: ((lock: ConnectionLock) => void) | undefined;
}

interface Coordinating {
  readonly client: BoundedClient;
  readonly server: Server;
  readonly lockKey: number | null;
}

export class PostgresConnection implements SqlConnection, AsyncDisposable {
  private readonly options: CoordinationOptions;
  private readonly statements: StatementCache;
  private readonly servers: Servers;
  private readonly endFollowing: () => void;
  private first: Connected | undefined;
  private current: Promise<Coordinating> | undefined;
  /** The current one's, when it is connected. */
  private client: BoundedClient | undefined;
  private server: Server | undefined;
  private readonly lockKeys = new LockKeys(Math.random);
  private readonly shown = new ShownLocks<BoundedClient>((client) => client.cut());
  private closed = false;
  private readonly closing = new AbortController();
  private made = 0;

  constructor(dialect: Dialect, options: CoordinationOptions) {
    this.options = options;
    this.first = options.first;
    this.statements = new StatementCache(dialect);
    this.servers = serversOf(options);
    this.endFollowing = this.servers.onLeave((server) => {
      if (this.client !== undefined && this.server === server) this.leave(this.client);
    });
  }

  get incarnation(): number {
    return this.made;
  }

  async lockKey(): Promise<number | null> {
    try {
      const { client, lockKey } = await this.connectedInTime();
      if (lockKey !== null) this.shown.show(client, lockKey);
      return lockKey;
    } catch (error) {
      throw translateError(error);
    }
  }

  lockTold(lockKey: number | null): void {
    if (lockKey !== null) this.shown.told(lockKey);
  }

  async all<P extends ParameterValues, R>(statement: Statement<P, R>, parameters: P): Promise<R[]> {
    try {
      const { client, server } = await this.connectedInTime();
      const compiled = this.statements.get(statement);
      const run = this.shown.isShown(client) ? runOrLeave : runBounded;
      try {
        const rows = await run(client, statement.name, compiled, parameters, this.options.attemptMs);
        return rows.map(statement.read);
      } catch (error) {
        if (error instanceof LeftWaiting) this.setAside(client);
        const translated = translateError(error);
        if (translated instanceof NotWritable) {
          this.leave(client);
          this.servers.leave(server);
        }
        throw translated;
      }
    } catch (error) {
      throw translateError(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    this.closing.abort();
    this.endFollowing();
    const connected = await this.current?.catch(() => undefined);
    this.current = undefined;
    connected?.client.cut();
    this.first?.client.cut();
    for (const client of this.shown.aside) client.cut();
  }

  /** Statements that waited together come here one after the other. */
  private setAside(client: BoundedClient): void {
    if (client !== this.client) return;
    this.client = undefined;
    this.current = undefined;
    if (!this.shown.setAside(client)) client.cut();
  }

  /** Its server takes no writes any more. The lock on it stays until another one is told, as when an answer is late. */
  private leave(client: BoundedClient): void {
    if (this.shown.isShown(client)) return this.setAside(client);
    if (client === this.client) {
      this.client = undefined;
      this.current = undefined;
    }
    client.cut();
  }

  /** Who asks waits for one attempt's time; connecting goes on, and is for who asks next. */
  private async connectedInTime(): Promise<Coordinating> {
    const { attemptMs } = this.options;
    const late = (): Error =>
      new StoreUnavailable(`PostgreSQL gave no connection within ${attemptMs} ms`, { outcomeUnknown: false });
    return within(this.connected(), attemptMs, late);
  }

  private async connected(): Promise<Coordinating> {
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

  private async connect(onEnd: () => void): Promise<Coordinating> {
    const { client, server } = this.takeFirst() ?? (await this.make());
    client.once('end', () => {
      if (client === this.client) this.servers.lost();
      onEnd();
    });
    try {
      // It may have ended before anybody listened for that.
      if (client.isOver) throw new Error('the connection was lost at once');
      const lockKey = await this.lock(client);
      this.made += 1;
      this.client = client;
      this.server = server;
      return { client, server, lockKey };
    } catch (error) {
      client.cut();
      throw error;
    }
  }

  private takeFirst(): Connected | undefined {
    const { first } = this;
    this.first = undefined;
    return first?.client.isOver === true ? undefined : first;
  }

  private async make(): Promise<Connected> {
    return connectWritable({ ...this.options, stop: this.closing.signal }, this.servers);
  }

  /** Behind a pooler a lock would be that of whoever has the server's connection next: then none is taken. */
  private async lock(client: BoundedClient): Promise<number | null> {
    const { onLockLost, onLock, attemptMs } = this.options;
    if (onLockLost === undefined) return null;
    if (!(await isDirect(client, attemptMs))) {
      onLock?.('pooled');
      return null;
    }
    const lockKey = this.lockKeys.next();
    client.once('end', () => {
      if (this.shown.ended(client) && !this.closed) onLockLost();
    });
    const [row] = await queryBounded(
      client,
      'select pg_try_advisory_lock($1) as is_ours',
      [lockKey],
      attemptMs,
    );
    const isOurs = row?.['is_ours'] === true;
    onLock?.(isOurs ? 'held' : 'refused');
    return isOurs ? lockKey : null;
  }
}

/** A pooler makes up the process id that it tells its clients. */
export async function isDirect(client: BoundedClient, attemptMs: number): Promise<boolean> {
  const [row] = await queryBounded(client, 'select pg_backend_pid() as pid', [], attemptMs);
  return 'processID' in client && client.processID === row?.['pid'];
}
