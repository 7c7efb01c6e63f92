// PostgreSQL's wire protocol, as far as standing between client and server needs it: where one message ends and the next begins. Without
// TLS: a request for it is answered outside this framing.

/** What one side says, cut into whole messages. */
export class PostgresMessages {
  #waiting = Buffer.alloc(0);
  #isStartup: boolean;

  /** `side`: a client's first message has no type. */
  constructor(side: 'client' | 'server') {
    this.#isStartup = side === 'client';
  }

  /** The messages that this chunk completes. */
  take(chunk: Buffer): Buffer[] {
    this.#waiting = Buffer.concat([this.#waiting, chunk]);
    const whole: Buffer[] = [];
    for (;;) {
      const head = this.#isStartup ? 0 : 1;
      if (this.#waiting.length < head + 4) return whole;
      const length = head + this.#waiting.readUInt32BE(head);
      if (this.#waiting.length < length) return whole;
      whole.push(this.#waiting.subarray(0, length));
      this.#waiting = this.#waiting.subarray(length);
      this.#isStartup = false;
    }
  }
}

/** The byte that says what a message is. A client's first one has none. */
export function typeOf(message: Buffer): string {
  return String.fromCharCode(message[0] ?? 0);
}

/** The texts at the beginning of a message's body, each of which a zero ends. */
export function textsOf(message: Buffer, count: number): string[] {
  const texts: string[] = [];
  let from = 5;
  while (texts.length < count) {
    const end = message.indexOf(0, from);
    if (end < 0) break;
    texts.push(message.toString('utf8', from, end));
    from = end + 1;
  }
  return texts;
}

/** From the server's `ReadyForQuery`: I idle, T in a transaction, E in a failed one. */
export function transactionStatus(ready: Buffer): string {
  return String.fromCharCode(ready[5] ?? 0);
}
