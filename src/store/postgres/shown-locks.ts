// Whose lock says that we live. A heartbeat tells others a connection's lock by its key; from then on they go by it until they are told
// another one, so that a connection is let go of only when it can be named no more.
//
// Keys grow from one connection to the next, and the session's row never takes a lower one than it has (`heartbeat`,
// ../sql/sessions.ts): a heartbeat that was answered late, or that comes to the store behind a later one, names nothing that is gone.

/** A server that hangs would collect more of them with each attempt. */
const asideMax = 2;

/** Room for so many connections of one process above its first key, and for others between them. */
const firstKeyMax = 2 ** 52;
const stepMax = 2 ** 20;

/** Keys of one process: from a random one on, in random steps, so that no two connections and nobody else's locks meet. */
export class LockKeys {
  private readonly random: () => number;
  private last: number | undefined;

  /** `random`: in [0, 1). */
  constructor(random: () => number) {
    this.random = random;
  }

  next(): number {
    const from = this.last ?? 0;
    const range = this.last === undefined ? firstKeyMax : stepMax;
    this.last = from + 1 + Math.floor(this.random() * range);
    return this.last;
  }
}

export class ShownLocks<Connection extends object> {
  private readonly letGo: (connection: Connection) => void;
  /** Of the connections that others may go by. */
  private readonly keys = new Map<Connection, number>();
  private setAsideNow: Connection[] = [];

  /** `letGo` ends a connection that nobody goes by any more. */
  constructor(letGo: (connection: Connection) => void) {
    this.letGo = letGo;
  }

  /** Those that answered too late to be used, and live. */
  get aside(): readonly Connection[] {
    return this.setAsideNow;
  }

  /** Its key is about to be told. */
  show(connection: Connection, key: number): void {
    this.keys.set(connection, key);
  }

  isShown(connection: Connection): boolean {
    return this.keys.has(connection);
  }

  /** Keeps a connection that is used no more. False: there are too many, and it must be cut, which is a loss. */
  setAside(connection: Connection): boolean {
    if (this.setAsideNow.length >= asideMax) return false;
    this.setAsideNow.push(connection);
    return true;
  }

  /** The store answered a heartbeat that told this key: it names this one or a later one for ever. */
  told(key: number): void {
    const over = this.setAsideNow.filter((connection) => (this.keys.get(connection) ?? 0) < key);
    this.setAsideNow = this.setAsideNow.filter((connection) => !over.includes(connection));
    for (const connection of over) {
      this.keys.delete(connection);
      this.letGo(connection);
    }
  }

  /** It has ended. Answers whether others go by it, which they may take for our death. */
  ended(connection: Connection): boolean {
    this.setAsideNow = this.setAsideNow.filter((other) => other !== connection);
    return this.keys.delete(connection);
  }
}
