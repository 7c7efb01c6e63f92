// The way to one reader's socket: one write at a time, the next only when the socket has taken the last one. What waits in
// memory for a reader is therefore at most a chunk, however slow it is.
import type { ServerResponse } from 'node:http';

export interface OutletEvents {
  /** The socket has taken everything. */
  readonly onFlushed: () => void;
  /** The connection is over, whoever ended it. Once. */
  readonly onClosed: () => void;
}

export class Outlet {
  private readonly response: ServerResponse;
  private readonly flushed: () => void;
  /** Looks at it since the socket last took something, or since the end. */
  private looks = 0;
  private state: 'free' | 'writing' | 'ended' | 'closed' = 'free';

  constructor(response: ServerResponse, { onFlushed, onClosed }: OutletEvents) {
    this.response = response;
    this.flushed = () => {
      if (this.state !== 'writing') return;
      this.state = 'free';
      onFlushed();
    };
    // A write that meets a closed connection is no fault; `close` follows.
    response.on('error', () => undefined);
    response.once('close', () => {
      this.state = 'closed';
      onClosed();
    });
  }

  /** Whether the socket has taken all there was, so that it may be given more. */
  get isFree(): boolean {
    return this.state === 'free';
  }

  get isEnded(): boolean {
    return this.state === 'ended' || this.state === 'closed';
  }

  write(pieces: readonly Buffer[]): void {
    const { socket } = this.response;
    const last = pieces.at(-1);
    if (!this.isFree || socket === null || last === undefined) return;
    this.state = 'writing';
    this.looks = 0;
    // One system call now, instead of one at the end of this turn for every reader together.
    socket.cork();
    for (const piece of pieces.slice(0, -1)) this.response.write(piece);
    this.response.write(last, this.flushed);
    socket.uncork();
  }

  /** The last words; the connection ends when the socket has taken them. */
  end(last: Buffer): void {
    if (this.isEnded) return;
    this.state = 'ended';
    this.looks = 0;
    this.response.end(last);
  }

  cut(): void {
    this.response.destroy();
  }

  /**
   * Counts how often somebody has looked at it while the socket took nothing; 0 when nothing waits. Looks, not a clock: a
   * process that was stopped for a while has not watched anybody meanwhile.
   */
  look(): number {
    if (this.state === 'free' || this.state === 'closed') return 0;
    this.looks += 1;
    return this.looks;
  }
}
