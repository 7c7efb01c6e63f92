// A stand-in for a transaction pooler such as PgBouncer before 1.21: each transaction of a client may run on another server
// connection, so that sessions, LISTEN and prepared statements are lost. It speaks just enough of the protocol for that: it logs in
// at the server itself, tells clients a process id that it has made up, and hands a server connection to whoever begins.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { PostgresMessages, transactionStatus, typeOf } from './postgres-messages.ts';

export async function startTransactionPooler(serverPort: number): Promise<TransactionPooler> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new TransactionPooler(server, serverPort);
}

const readyForQuery = 'Z';
const backendKey = 'K';
const sync = 'S';
const simpleQuery = 'Q';

export class TransactionPooler implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #serverPort: number;
  readonly #sockets = new Set<Socket>();
  readonly #idle: ServerLink[] = [];

  constructor(server: Server, serverPort: number) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the pooler does not listen');
    this.port = address.port;
    this.#server = server;
    this.#serverPort = serverPort;
    server.on('connection', (socket) => {
      this.#track(socket);
      this.#serve(socket).catch(() => socket.destroy());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(client: Socket): Promise<void> {
    let link: ServerLink | undefined;
    client.on('close', () => link?.socket.destroy());
    let startup: Buffer | undefined;
    for await (const message of messages(client, 'client')) {
      if (startup === undefined) {
        startup = message;
        // As PgBouncer does: no real connection is told to the client.
        const first = await ServerLink.open(this.#track(connect(this.#serverPort, '127.0.0.1')), startup);
        client.write(Buffer.concat(first.greeting.map(withMadeUpKey)));
        this.#idle.push(first);
        continue;
      }
      const type = typeOf(message);
      if (type === 'X') break;
      // The one that was given back last goes out first, whoever asks.
      link ??=
        this.#idle.pop() ??
        (await ServerLink.open(this.#track(connect(this.#serverPort, '127.0.0.1')), startup));
      link.socket.write(message);
      if (type !== sync && type !== simpleQuery) continue;
      const status = await link.relay(client);
      if (status !== 'I') continue;
      this.#idle.push(link);
      link = undefined;
    }
    client.destroy();
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

class ServerLink {
  readonly socket: Socket;
  readonly greeting: Buffer[] = [];
  readonly #messages: AsyncGenerator<Buffer>;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.#messages = messages(socket, 'server');
  }

  static async open(socket: Socket, startup: Buffer): Promise<ServerLink> {
    const link = new ServerLink(socket);
    socket.write(startup);
    await link.#untilReady((message) => link.greeting.push(message));
    return link;
  }

  /** Passes on what the server answers; answers its transaction status: I idle, T in a transaction, E in a failed one. */
  async relay(client: Socket): Promise<string> {
    return this.#untilReady((message) => client.write(message));
  }

  async #untilReady(onMessage: (message: Buffer) => unknown): Promise<string> {
    for (;;) {
      const next = await this.#messages.next();
      if (next.done === true) throw new Error('the server ended the connection');
      onMessage(next.value);
      if (typeOf(next.value) === readyForQuery) return transactionStatus(next.value);
    }
  }
}

function withMadeUpKey(message: Buffer): Buffer {
  const type = typeOf(message);
  if (type !== backendKey) return message;
  const copy = Buffer.from(message);
  copy.writeUInt32BE(0x7fff0000 + Math.floor(Math.random() * 0xffff), 5);
  return copy;
}

/** The messages of one side, whole. */
async function* messages(socket: Socket, side: 'client' | 'server'): AsyncGenerator<Buffer> {
  const whole = new PostgresMessages(side);
  for await (const chunk of socket) yield* whole.take(chunk);
}
