// One reader of the event stream: what comes next for it, and its socket, put together.
import type { Follower } from './follower.ts';
import type { Outlet } from './outlet.ts';
import type { Turn } from './turns.ts';
import { eventBlock } from './wire.ts';

/** Looks, of which there is one every `lookEveryMs`, without a byte taken: then a reader is dropped. */
export const lookEveryMs = 500;
const looksUntilDropped = 10_000 / lookEveryMs;
/** And then so many until its connection is cut, whether or not the last words have arrived. */
const looksUntilCut = 5_000 / lookEveryMs;

/** The last event: its reader was too slow, or the agent stops. */
export type Farewell = 'dropped' | 'closing';

export interface ReaderParts {
  readonly follower: Follower;
  readonly outlet: Outlet;
  /** A beat to be written now; undefined without trust. */
  readonly beat: () => Buffer | undefined;
  /** Its last event has been written: nothing more will come. */
  readonly onEnded: (event: Farewell, reason: string) => void;
  /** Nothing could be made of what comes next: its connection is cut, everything else goes on. */
  readonly onFault: (error: unknown) => void;
}

export class Reader implements Turn {
  private readonly parts: ReaderParts;
  /** A flag, no queue: a reader that could not be written to gets one beat, true when it is written. */
  private isBeatDue = false;
  private farewell: { readonly event: Farewell; readonly reason: string } | undefined;

  constructor(parts: ReaderParts) {
    this.parts = parts;
  }

  /** Writes what comes next, if the socket has taken what came before. */
  take(): void {
    const { outlet, onFault } = this.parts;
    try {
      if (outlet.isFree) this.writeNext();
    } catch (error) {
      onFault(error);
      outlet.cut();
    }
  }

  /** Every `lookEveryMs`: a beat is due, and who takes nothing for too long is dropped. */
  look(): void {
    const { outlet } = this.parts;
    this.isBeatDue = true;
    const looks = outlet.look();
    if (!outlet.isEnded && looks > looksUntilDropped)
      this.end('dropped', 'this reader took no bytes for 10 s; it may connect again');
    else if (outlet.isEnded && looks > looksUntilCut) outlet.cut();
  }

  /** Ends with this event, after all that has happened before it. */
  finish(event: Farewell, reason: string): void {
    this.farewell = { event, reason };
  }

  private writeNext(): void {
    const { follower, outlet, beat } = this.parts;
    const chunk = follower.next();
    // Behind everything that has happened: a broker that hears it may believe what it was told of its leases.
    const isTime = this.isBeatDue && follower.isCaughtUp;
    const due = isTime ? beat() : undefined;
    if (isTime) this.isBeatDue = false;
    const pieces = [chunk, due].filter((piece) => piece !== undefined);
    if (pieces.length > 0) outlet.write(pieces);
    else if (this.farewell !== undefined) this.end(this.farewell.event, this.farewell.reason);
  }

  private end(event: Farewell, reason: string): void {
    this.parts.outlet.end(eventBlock(event, { reason }));
    this.parts.onEnded(event, reason);
  }
}
