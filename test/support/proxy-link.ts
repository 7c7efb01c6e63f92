// One connection through the fault proxy: a client's, and the one to the target, with a gate each way that delays, and that looks for
// the commit at which to cut.
import { connect, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';
import { type Answered, type Asked, CommitWatch } from './commit-watch.ts';

export type Side = 'client' | 'server';

export interface CommitCut {
  readonly when: 'asked' | 'answered';
  /** Of the statements that the transaction has run, with the names of prepared ones behind them. */
  readonly statement: RegExp;
  readonly onCut: () => void;
}

export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
  readonly isPostgres: boolean;
}

/** The target's side is opened when the first byte may flow. */
export class ProxyLink {
  onEnd: () => void = () => undefined;
  /** Answers the cut that is wanted at a transaction of these statements; it is then this link's to make. */
  takeCommitCut: (statements: readonly string[]) => CommitCut | undefined = () => undefined;
  readonly #client: Socket;
  readonly #target: ProxyTarget;
  readonly #up: Gate;
  readonly #down: Gate;
  #upstream: Socket | undefined;
  #state: 'new' | 'flowing' | 'silent' | 'half' | 'ended' = 'new';
  /** Its commit is on its way, or answered: the client will not hear. */
  #due: CommitCut | undefined;

  constructor(client: Socket, target: ProxyTarget) {
    this.#client = client;
    this.#target = target;
    const watch = target.isPostgres ? new CommitWatch() : undefined;
    this.#up = new Gate((chunk) => (watch ? this.#asked(watch.client(chunk)) : [chunk]));
    this.#down = new Gate((chunk) => (watch ? this.#answered(watch.server(chunk)) : [chunk]));
    client.setNoDelay(true);
    this.#watch(client);
  }

  set delayMs(delayMs: number) {
    this.#up.delayMs = delayMs;
    this.#down.delayMs = delayMs;
  }

  flow(): void {
    if (this.#state !== 'new' && this.#state !== 'silent') return;
    this.#state = 'flowing';
    this.#upstream ??= this.#connect();
    if (this.#client.destroyed || this.#upstream.destroyed) return this.cut();
    this.#client.pipe(this.#up).pipe(this.#upstream);
    this.#upstream.pipe(this.#down).pipe(this.#client);
  }

  silence(): void {
    if (this.#state === 'ended' || this.#state === 'half') return;
    this.#state = 'silent';
    this.#stopPipes();
  }

  cut(): void {
    if (this.#state === 'ended') return;
    this.#end();
    this.#client.resetAndDestroy();
    this.#upstream?.resetAndDestroy();
  }

  cutHalf(side: Side): void {
    const [dying, staying] =
      side === 'client' ? [this.#client, this.#upstream] : [this.#upstream, this.#client];
    if (this.#state === 'ended' || this.#state === 'half' || dying === undefined || staying === undefined)
      return;
    this.#state = 'half';
    this.#stopPipes();
    dying.resetAndDestroy();
    // What it says goes nowhere; that it ends must be seen.
    staying.resume();
    staying.on('end', () => this.cut());
    staying.on('close', () => this.cut());
  }

  #end(): void {
    this.#state = 'ended';
    this.#up.destroy();
    this.#down.destroy();
    // However it ended: who was promised a cut at this commit waits no longer.
    this.#due?.onCut();
    this.onEnd();
  }

  #stopPipes(): void {
    for (const stream of [this.#client, this.#upstream, this.#up, this.#down]) stream?.unpipe().pause();
  }

  /** What may go on to the server. */
  #asked(heard: readonly Asked[]): Buffer[] {
    const passed: Buffer[] = [];
    for (const { message, commits } of heard) {
      this.#due ??= commits && this.takeCommitCut(commits);
      if (this.#due?.when === 'asked') {
        this.cut();
        return [];
      }
      passed.push(message);
    }
    return passed;
  }

  /** What may go on to the client. */
  #answered(heard: readonly Answered[]): Buffer[] {
    if (this.#due === undefined) return heard.map(({ message }) => message);
    if (heard.some(({ isReady }) => isReady)) this.cut();
    return [];
  }

  #connect(): Socket {
    const { host, port } = this.#target;
    const upstream = connect({ host, port, allowHalfOpen: true, noDelay: true });
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

/** One way: passes on what `look` lets through, each piece when its delay is over, in order. */
class Gate extends Transform {
  delayMs = 0;
  readonly #look: (chunk: Buffer) => readonly Buffer[];
  #underWay = 0;
  #lastDueMs = 0;
  #whenEmpty: (() => void) | undefined;

  constructor(look: (chunk: Buffer) => readonly Buffer[]) {
    super();
    this.#look = look;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    for (const piece of this.#look(chunk)) this.#send(piece);
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#underWay === 0) done();
    else this.#whenEmpty = done;
  }

  #send(piece: Buffer): void {
    const nowMs = performance.now();
    const dueMs = Math.max(nowMs + this.delayMs, this.#lastDueMs);
    if (dueMs <= nowMs && this.#underWay === 0) {
      this.push(piece);
      return;
    }
    // Nothing overtakes what was sent before it, also when the delay becomes shorter.
    this.#lastDueMs = dueMs;
    this.#underWay += 1;
    setTimeout(() => {
      this.#underWay -= 1;
      if (!this.destroyed) this.push(piece);
      if (this.#underWay === 0) this.#whenEmpty?.();
    }, dueMs - nowMs);
  }
}
