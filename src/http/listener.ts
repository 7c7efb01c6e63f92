// One listener: a port, with or without TLS, or a Unix socket. It hands every request to the application and can be stopped
// without cutting off what is being answered.
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Door, through } from './door.ts';
import { ListenFailed } from './listen-failed.ts';
import { answerClientError } from './problem-answers.ts';
import { listenOnSocket } from './unix-socket.ts';

/** In PEM form; the certificate with its chain. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface PortPlace {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The setting that the port comes from, for messages. */
  readonly setting: string;
}

/** Longest time to receive one whole request, milliseconds: a slow sender must not hold a connection for ever. */
const requestTimeoutMs = 30_000;

/** How long an idle connection is kept for its client's next request, milliseconds. */
const keepAliveMs = 72_000;

/** Longest time for a TLS handshake, milliseconds. */
const handshakeMs = 10_000;

const httpOptions = {
  requestTimeout: requestTimeoutMs,
  keepAliveTimeout: keepAliveMs,
  // A missing Host is refused by our own rule, in our own words.
  requireHostHeader: false,
} as const;

export class Listener {
  readonly door: Door;
  readonly #server: Server | HttpsServer;
  /** Every connection, also those that have not shaken hands or asked for anything, which the server does not count. */
  readonly #sockets = new Set<Socket>();
  /**
   * Connections that have not asked for anything yet: clients keep one in reserve (fetch does, when a request of its is aborted). To
   * Node they are not idle, so that they would hold up the stop for as long as the client likes.
   */
  readonly #silent = new Set<Socket>();

  constructor(door: Door, handler: RequestListener, certificate?: Certificate) {
    this.door = door;
    const listener = through(door, handler);
    this.#server =
      certificate === undefined
        ? createHttpServer(httpOptions, listener)
        : createHttpsServer({ ...httpOptions, ...certificate, handshakeTimeout: handshakeMs }, listener);
    this.#server.on('clientError', answerClientError);
    // A connection that could not be accepted must not end the daemon.
    this.#server.on('error', () => undefined);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    // Behind TLS a request's socket is the one that speaks it.
    this.#server.on(certificate === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.#silent.add(socket);
      socket.once('close', () => this.#silent.delete(socket));
    });
    this.#server.on('request', ({ socket }: IncomingMessage) => this.#silent.delete(socket));
  }

  /** Answers the port. Fails with ListenFailed. */
  async listenOnPort({ host, port, setting }: PortPlace): Promise<number> {
    try {
      const listening = once(this.#server, 'listening');
      this.#server.listen({ host, port });
      await listening;
    } catch (error) {
      throw portFailure(error, { host, port, setting });
    }
    return this.address.port;
  }

  async listenOnSocket(path: string): Promise<void> {
    await listenOnSocket(this.#server, path);
  }

  /** Where a port's listener listens. */
  get address(): AddressInfo {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('not listening on a port');
    return address;
  }

  /** For connections made from now on; those that are open stay as they are. A listener without TLS has no use for it. */
  setCertificate(certificate: Certificate): void {
    if (this.#server instanceof HttpsServer) this.#server.setSecureContext({ ...certificate });
  }

  /** Accepts nothing new; resolves when the last connection has gone. Idle ones are closed at once. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#silent) socket.destroy();
    await closed;
  }

  /** Ends every connection at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function portFailure(error: unknown, { host, port, setting }: PortPlace): ListenFailed {
  const said = error instanceof Error ? error.message : String(error);
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  return new ListenFailed(
    isTaken
      ? `${setting}=${port} is in use; stop what listens there, or choose another (0 picks a free one)`
      : `${setting}=${port} cannot be listened on at ${host}: ${said}`,
    { cause: error },
  );
}
