// Connections that wait for the next statement: a pool for each server that the URL names, of which only that of the primary fills.
import pg from 'pg';
import { StoreUnavailable } from '../../domain/refusal.ts';
import { within } from '../../platform/within.ts';
import type { PoolUse } from '../metadata-store.ts';
import { BoundedClient, clientConfig, type ConnectionOptions } from './client.ts';
import { prepare, serversOf } from './connect.ts';
import { Connecting } from './connecting.ts';
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

interface OnePool {
  readonly pool: pg.Pool;
  /** Connections in the making. */
  readonly opening: ReadonlySet<BoundedClient>;
}

/** Operations that wait for a connection at most; what is beyond is refused, so that a store that is away costs bounded memory. */
export const waitingMax = 1_000;

/** An idle connection is closed after this long, milliseconds; but not the last: where all agents need one at once, as for a new plan, most have it. */
const idleMs = 30_000;
const idleMin = 1;

export class Pools implements AsyncDisposable {
  private readonly options: PoolOptions;
  private readonly servers: Servers;
  private readonly pools = new Map<Server, OnePool>();
  /** Of one server's connection, milliseconds; also of waiting for one that is busy. */
  private readonly boundMs: number;
  private readonly endFollowing: () => void;
  private readonly ending = new Set<Promise<void>>();
  private closed = false;
  /** Takes that have not got a connection yet. */
  private taking = 0;

  constructor(options: PoolOptions) {
    this.options = options;
    this.servers = serversOf(options);
    this.boundMs = Math.ceil(options.attemptMs / this.servers.all.length);
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
    const pools = [...this.pools.values()].map(({ pool }) => pool);
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
    const client = await this.connection(this.poolOf(server), server);
    if (!(client instanceof BoundedClient)) throw ofAnotherClass();
    const release = (isBroken: boolean): void => {
      if (isBroken) this.servers.lost();
      client.release(isBroken);
    };
    return { client, server, release };
  }

  /**
   * Who asks waits for one attempt's time. The connection that is being made for it is made all the same, for who comes next: given up,
   * it would cost a crowded server as much.
   */
  private async connection({ pool, opening }: OnePool, server: Server): Promise<pg.PoolClient> {
    const { boundMs, servers } = this;
    // The pool reads its options each time that it is asked. A crowded server is asked for one connection at a time.
    const isOnly = servers.isCrowded && opening.size > 0;
    pool.options.max = isOnly ? pool.totalCount : this.options.poolMax;
    pool.options.connectionTimeoutMillis = boundMs;
    const isMade = pool.idleCount === 0 && pool.totalCount < pool.options.max;
    const asked = pool.connect();
    const noConnection = (cause?: Error): Error =>
      new StoreUnavailable(`${server.name} gave no connection within ${boundMs} ms`, {
        outcomeUnknown: false,
        cause,
      });
    if (isMade) {
      return within(asked, boundMs, () => {
        asked.then(
          (client) => client.release(),
          () => undefined,
        );
        return noConnection();
      });
    }
    return asked.catch((error: Error) => {
      if (error.message !== timedOut) throw error;
      throw opening.size > 0 ? noConnection(error) : busy(error);
    });
  }

  /** What is idle or in the making is closed now, what is busy when it is given back. */
  private drop(server: Server): void {
    const one = this.pools.get(server);
    if (one === undefined) return;
    const { pool, opening } = one;
    this.pools.delete(server);
    for (const client of opening) client.cut();
    const ended = pool.end().finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }

  private poolOf(server: Server): OnePool {
    if (this.closed) throw new Error('the pool is closed');
    const known = this.pools.get(server);
    if (known !== undefined) return known;
    const opening = new Set<BoundedClient>();
    const onMaking = (client: BoundedClient): void => {
      this.superviseOpening(client, server, opening);
      // Read right after this: the pool is not to cut what is supervised already. It is set anew for whoever waits in its line.
      pool.options.connectionTimeoutMillis = 0;
    };
    const pool: pg.Pool = new pg.Pool({
      ...clientConfig(this.options, server),
      Client: clientThatTells(onMaking),
      max: this.options.poolMax,
      min: idleMin,
      idleTimeoutMillis: idleMs,
      // Awaited by the pool, though its types do not say so. Not `verify`: a connection whose taker's time ran out during it is never
      // given back.
      onConnect: (client): unknown => this.prepared(client, server),
    });
    // An idle connection that dies is replaced at the next use, which is not at once.
    pool.on('error', () => this.servers.lost());
    const one = { pool, opening };
    this.pools.set(server, one);
    return one;
  }

  private superviseOpening(client: BoundedClient, server: Server, opening: Set<BoundedClient>): void {
    const { boundMs, servers } = this;
    const connecting = new Connecting(client, { servers, server, boundMs });
    opening.add(client);
    const isOver = (): void => {
      opening.delete(client);
      connecting[Symbol.dispose]();
    };
    client.once('connect', isOver);
    client.once('end', isOver);
  }

  private async prepared(client: pg.ClientBase, server: Server): Promise<void> {
    if (!(client instanceof BoundedClient)) throw ofAnotherClass();
    await prepare(client, server, this.servers, this.boundMs);
  }
}

/** The pool makes one of it, which connects at once. */
function clientThatTells(onMaking: (client: BoundedClient) => void): typeof BoundedClient {
  return class extends BoundedClient {
    constructor(config?: pg.ClientConfig) {
      super({ ...config, connectionTimeoutMillis: 0 });
      onMaking(this);
    }
  };
}

function ofAnotherClass(): TypeError {
  return new TypeError('the pool made a client of another class');
}

/** The pool says it in words alone. */
const timedOut = 'timeout exceeded when trying to connect';

function busy(cause: Error): PoolBusy {
  return new PoolBusy('all connections of the pool are busy; raise DATABASE_POOL_MAX if this lasts', {
    outcomeUnknown: false,
    cause,
  });
}
