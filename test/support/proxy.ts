// A TCP proxy for the faults of a network: stand between the program and its database, then refuse, swallow or
// cut. A black hole keeps every connection open and silent, which is what a lost route looks like from
// inside; bytes sent meanwhile arrive when it heals, as TCP would retransmit them.

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export type ProxyMode =
  | 'pass'
  /** New connections are reset; those that exist go on (cut them with `cutAll`). */
  | 'refuse'
  /** New and existing connections stay open and carry nothing. */
  | 'blackhole';

export interface ProxyOptions {
  readonly targetHost?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** Listens on 127.0.0.1 and forwards to the target. */
export async function startProxy(targetPort: number, options: ProxyOptions = {}): Promise<FaultProxy> {
  const { targetHost = '127.0.0.1', port = 0 } = options;
  // Half-open, so that the end of one side travels through the pipe, after the data before it.
  const server = createServer({ allowHalfOpen: true });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return new FaultProxy(server, { port: targetPort, host: targetHost });
}

export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #mode: ProxyMode = 'pass';

  constructor(server: Server, target: { readonly host: string; readonly port: number }) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    this.port = address.port;
    this.#server = server;
    server.on('connection', (client) => {
      if (this.#mode === 'refuse') client.resetAndDestroy();
      else this.#link(new Link(client, target));
    });
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  set mode(mode: ProxyMode) {
    this.#mode = mode;
    for (const link of this.#links) this.#apply(link);
  }

  /** Connections that are open now. */
  get connectionCount(): number {
    return this.#links.size;
  }

  /** Resets every open connection on both sides; the mode stays. */
  cutAll(): void {
    for (const link of this.#links) link.cut();
  }

  /** Stops listening and cuts everything. Safe to call twice. */
  async close(): Promise<void> {
    this.cutAll();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #link(link: Link): void {
    this.#links.add(link);
    link.onEnd = () => this.#links.delete(link);
    this.#apply(link);
  }

  #apply(link: Link): void {
    if (this.#mode === 'blackhole') link.silence();
    else link.flow();
  }
}

/** A client's connection and the one to the target, opened when the first byte may flow. */
class Link {
  onEnd: () => void = () => undefined;
  readonly #client: Socket;
  readonly #target: { readonly host: string; readonly port: number };
  #upstream: Socket | undefined;
  #state: 'new' | 'flowing' | 'silent' | 'ended' = 'new';

  constructor(client: Socket, target: { readonly host: string; readonly port: number }) {
    this.#client = client;
    this.#target = target;
    client.setNoDelay(true);
    this.#watch(client);
  }

  flow(): void {
    if (this.#state === 'ended' || this.#state === 'flowing') return;
    this.#state = 'flowing';
    this.#upstream ??= this.#connect();
    if (this.#client.destroyed || this.#upstream.destroyed) return this.cut();
    this.#client.pipe(this.#upstream);
    this.#upstream.pipe(this.#client);
  }

  silence(): void {
    if (this.#state === 'ended') return;
    this.#state = 'silent';
    for (const socket of [this.#client, this.#upstream]) socket?.unpipe().pause();
  }

  cut(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#client.resetAndDestroy();
    this.#upstream?.resetAndDestroy();
    this.onEnd();
  }

  #connect(): Socket {
    const upstream = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    this.#watch(upstream);
    return upstream;
  }

  /** In a black hole not even the end of the other side is heard: it is told when the hole heals. */
  #watch(socket: Socket): void {
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', (hadError) => {
      if (this.#state !== 'flowing') return;
      const isOver = this.#client.destroyed && this.#upstream?.destroyed === true;
      if (hadError || isOver) this.cut();
    });
  }
}
