// A TCP proxy for the faults of a network: stand between the program and its database, then refuse, swallow, delay or
// cut, one side alone or at a commit. A black hole keeps every connection open and silent, which is what a lost route looks like from
// inside; bytes sent meanwhile arrive when it heals, as TCP would retransmit them.

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type CommitCut, ProxyLink, type Side } from './proxy-link.ts';

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
  /** Whether PostgreSQL's protocol is spoken, without TLS, so that a connection can be cut at a commit. */
  readonly isPostgres?: boolean;
}

/** Listens on 127.0.0.1 and forwards to the target. */
export async function startProxy(targetPort: number, options: ProxyOptions = {}): Promise<FaultProxy> {
  const { targetHost = '127.0.0.1', port = 0, isPostgres = false } = options;
  // Half-open, so that the end of one side travels through the pipe, after the data before it.
  const server = createServer({ allowHalfOpen: true });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return new FaultProxy(server, { port: targetPort, host: targetHost, isPostgres });
}

export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #links = new Set<ProxyLink>();
  readonly #isPostgres: boolean;
  #mode: ProxyMode = 'pass';
  #delayMs = 0;
  #commitCut: CommitCut | undefined;
  #openedCount = 0;

  constructor(
    server: Server,
    target: { readonly host: string; readonly port: number; readonly isPostgres: boolean },
  ) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    this.port = address.port;
    this.#server = server;
    this.#isPostgres = target.isPostgres;
    server.on('connection', (client) => {
      this.#openedCount += 1;
      if (this.#mode === 'refuse') client.resetAndDestroy();
      else this.#link(new ProxyLink(client, target));
    });
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  set mode(mode: ProxyMode) {
    this.#mode = mode;
    for (const link of this.#links) this.#apply(link);
  }

  /** How long everything takes on its way, each way, on connections old and new, milliseconds. */
  get delayMs(): number {
    return this.#delayMs;
  }

  set delayMs(delayMs: number) {
    this.#delayMs = delayMs;
    for (const link of this.#links) link.delayMs = delayMs;
  }

  /** Connections that are open now, on either side. */
  get connectionCount(): number {
    return this.#links.size;
  }

  /** Connections that were asked for so far. */
  get openedCount(): number {
    return this.#openedCount;
  }

  /** Resets every open connection on both sides; the mode stays. */
  cutAll(): void {
    for (const link of this.#links) link.cut();
  }

  /**
   * Resets one side of every open connection. The other side's stays, and hears nothing more until it ends it by itself, the target hears
   * of that end, or all are cut: as after a crash of one machine, or of a firewall's memory.
   */
  cutHalf(side: Side): void {
    for (const link of this.#links) link.cutHalf(side);
  }

  /**
   * Cuts the next connection that commits a transaction with a statement that matches: `asked` before the server hears of it,
   * so that it does not happen; `answered` when the server has answered and the client has not heard it. Resolves when it has been cut.
   * Until then nothing else is; asked again, the former is forgotten.
   */
  async cutAtCommit(when: CommitCut['when'], statement = /\b(insert|update|delete)\b/i): Promise<void> {
    if (!this.#isPostgres) throw new Error('this proxy does not listen to what is said');
    this.forgetCommitCut();
    await new Promise<void>((resolve) => {
      this.#commitCut = { when, statement, onCut: resolve };
    });
  }

  forgetCommitCut(): void {
    this.#commitCut?.onCut();
    this.#commitCut = undefined;
  }

  /** Stops listening and cuts everything. Safe to call twice. */
  async close(): Promise<void> {
    this.forgetCommitCut();
    this.cutAll();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #link(link: ProxyLink): void {
    this.#links.add(link);
    link.onEnd = () => this.#links.delete(link);
    link.delayMs = this.#delayMs;
    link.takeCommitCut = (statements) => this.#takeCommitCut(statements);
    this.#apply(link);
  }

  #takeCommitCut(statements: readonly string[]): CommitCut | undefined {
    const cut = this.#commitCut;
    if (cut === undefined || !statements.some((text) => cut.statement.test(text))) return undefined;
    this.#commitCut = undefined;
    return cut;
  }

  #apply(link: ProxyLink): void {
    if (this.#mode === 'blackhole') link.silence();
    else link.flow();
  }
}
