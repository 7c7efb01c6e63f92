// Connections that wait for the next statement: a pool for each server that the URL names, of which only that of the primary fills.
import pg from 'pg';
import type { PoolUse } from '../metadata-store.ts';
import { BoundedClient, clientConfig, type ConnectionOptions } from './client.ts';
import { prepare, serversOf } from './connect.ts';
import { PoolBusy } from './errors.ts';
import type { Server, Servers } from './servers.ts';

export interface PoolOptions extends ConnectionOptions {
  readonly poolMax: number;
}

export interface Taken {
  readonly client: BoundedClient;
  readonly server: Server;
  /** Gives it back; a broken one is dropped. */
  readonly release: (isBroken: boolean) => void;
}

/** Operations that wait for a connection at most; what is beyond is refused, so that a store that is away costs bounded memory. */
export const waitingMax = 1_000;

/** An idle connection is closed after this long, milliseconds. */
const idleMs = 30_000;

export class Pools implements AsyncDisposable {
  private readonly options: PoolOptions;
  private readonly servers: Servers;
  private readonly pools = new Map<Server, pg.Pool>();
  private readonly endFollowing: () => void;
  private readonly ending = new Set<Promise<void>>();
  private closed = false;
  /** Takes that have not got a connection yet. */
  private taking = 0;

  constructor(options: PoolOptions) {
    this.options = options;
    this.servers = serversOf(options);
    this.endFollowing = this.servers.onLeave((server) => this.drop(server));
  }

  /** A connection to the server that takes writes, bounded by one attempt. Fails as `Servers.first` does, or at once with PoolBusy. */
  async take(): Promise<Taken> {
    if (this.taking >= waitingMax + this.options.poolMax) {
      throw new PoolBusy(`${waitingMax} operations wait for PostgreSQL already`, { outcomeUnknown: false });
    }
    this.taking += 1;
    try {
      return await this.servers.first(this.options.attemptMs, (server) => this.takeOf(server));
    } finally {
      this.taking -= 1;
    }
  }

  leave(server: Server): void {
    this.servers.leave(server);
  }

  get use(): Omit<PoolUse, 'pool'> {
    const pools = [...this.pools.values()];
    const sum = (count: (pool: pg.Pool) => number): number =>
      pools.reduce((total, pool) => total + count(pool), 0);
    const idle = sum((pool) => pool.idleCount);
    return {
      busy: sum((pool) => pool.totalCount) - idle,
      idle,
      waiting: sum((pool) => pool.waitingCount),
      max: this.options.poolMax,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    this.endFollowing();
    for (const server of this.pools.keys()) this.drop(server);
    await Promise.all(this.ending);
  }

  private async takeOf(server: Server): Promise<Taken> {
    const client = await this.poolOf(server).connect().catch(tellBusy);
    if (!(client instanceof BoundedClient)) throw ofAnotherClass();
    const release = (isBroken: boolean): void => {
      if (isBroken) this.servers.lost();
      client.release(isBroken);
    };
    return { client, server, release };
  }

  /** What is idle is closed now, what is busy when it is given back. */
  private drop(server: Server): void {
    const pool = this.pools.get(server);
    if (pool === undefined) return;
    this.pools.delete(server);
    const ended = pool.end().finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }

  private poolOf(server: Server): pg.Pool {
    if (this.closed) throw new Error('the pool is closed');
    const known = this.pools.get(server);
    if (known !== undefined) return known;
    const { attemptMs, poolMax } = this.options;
    // Also of waiting for a connection that is busy.
    const boundMs = Math.ceil(attemptMs / this.servers.all.length);
    const pool = new pg.Pool({
      ...clientConfig(this.options, server, boundMs),
      Client: BoundedClient,
      max: poolMax,
      idleTimeoutMillis: idleMs,
      // Awaited by the pool, though its types do not say so. Not `verify`: a connection whose taker's time ran out during it is never
      // given back.
      onConnect: (client): unknown => this.prepared(client, server, boundMs),
    });
    // An idle connection that dies is replaced at the next use, which is not at once.
    pool.on('error', () => this.servers.lost());
    this.pools.set(server, pool);
    return pool;
  }

  private async prepared(client: pg.ClientBase, server: Server, boundMs: number): Promise<void> {
    if (!(client instanceof BoundedClient)) throw ofAnotherClass();
    await prepare(client, server, this.servers, boundMs);
  }
}

function ofAnotherClass(): TypeError {
  return new TypeError('the pool made a client of another class');
}

/** The pool says it in words alone. */
function tellBusy(error: Error): never {
  if (error.message !== 'timeout exceeded when trying to connect') throw error;
  throw new PoolBusy('all connections of the pool are busy; raise DATABASE_POOL_MAX if this lasts', {
    outcomeUnknown: false,
    cause: error,
  });
}
