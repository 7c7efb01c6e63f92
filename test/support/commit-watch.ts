// Knows on one connection to PostgreSQL when a transaction is about to commit, and when the server has answered: at `COMMIT`
// as a simple query, and for a statement outside a transaction at the simple query itself or, in the extended protocol, at its `Sync`.
import { PostgresMessages, textsOf, transactionStatus, typeOf } from './postgres-messages.ts';

/** What the client says. */
export interface Asked {
  readonly message: Buffer;
  /** The server will commit what these statements do once it has this message. */
  readonly commits: readonly string[] | undefined;
}

/** What the server says. */
export interface Answered {
  readonly message: Buffer;
  /** It has done, or refused to do, all that it was asked. */
  readonly isReady: boolean;
}

export class CommitWatch {
  readonly #fromClient = new PostgresMessages('client');
  readonly #fromServer = new PostgresMessages('server');
  /** Statements by the name that they were prepared under. */
  readonly #prepared = new Map<string, string>();
  #bound = '';
  /** What the transaction under way has run. */
  #statements: string[] = [];
  #status = 'I';
  #isStartup = true;

  client(chunk: Buffer): Asked[] {
    return this.#fromClient.take(chunk).map((message) => ({ message, commits: this.#commits(message) }));
  }

  server(chunk: Buffer): Answered[] {
    return this.#fromServer.take(chunk).map((message) => ({ message, isReady: this.#isReady(message) }));
  }

  #commits(message: Buffer): readonly string[] | undefined {
    if (this.#isStartup) {
      this.#isStartup = false;
      return undefined;
    }
    if (!this.#note(message)) return undefined;
    const [first, last] = [this.#statements[0], this.#statements.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const isAlone = this.#status === 'I' && !/^\s*begin\b/i.test(first);
    const isCommit = this.#status === 'T' && /^\s*commit\b/i.test(last);
    if (!isAlone && !isCommit) return undefined;
    return [...this.#statements];
  }

  /** Whether the server now runs what it was told. */
  #note(message: Buffer): boolean {
    const [first = '', second = ''] = textsOf(message, 2);
    switch (typeOf(message)) {
      case 'Q':
        this.#statements.push(first);
        return true;
      case 'P':
        this.#prepared.set(first, second);
        return false;
      case 'B':
        this.#bound = `${this.#prepared.get(second) ?? ''} /* ${second} */`;
        return false;
      case 'E':
        this.#statements.push(this.#bound);
        return false;
      case 'S':
        return true;
      default:
        return false;
    }
  }

  #isReady(message: Buffer): boolean {
    if (typeOf(message) !== 'Z') return false;
    this.#status = transactionStatus(message);
    if (this.#status === 'I') this.#statements = [];
    return true;
  }
}
