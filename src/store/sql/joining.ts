// How the store's writes join, whichever they are (`../../platform/joining.ts`).
import { Refusal, StoreUnavailable } from '../../domain/refusal.ts';
import { type JoinedWork, Joining } from '../../platform/joining.ts';
import { Lanes } from '../../platform/lanes.ts';
import { ConstraintViolation, LockedByAnother } from './database.ts';

export interface JoiningOptions {
  /** What the messages call the store. */
  readonly storeName: string;
  /** Requests of one kind under way at once. */
  readonly atOnce: number;
  /** Operations of all kinds that may wait for a lock at once: each has a connection meanwhile. */
  readonly waitAtOnce: number;
  /** Bound of one operation's wait for its turn, milliseconds; undefined: none. */
  readonly patienceMs?: number | undefined;
  /** Calls back when what arrives in this turn of the event loop has arrived. */
  readonly atTurnsEnd: (work: () => void) => void;
}

/** For stores that nobody shares: what is asked for in one go goes together. */
export const joiningByDefault: JoiningOptions = {
  storeName: 'the store',
  atOnce: 1,
  waitAtOnce: 1,
  atTurnsEnd: queueMicrotask,
};

/** Operations that wait at most, of one kind or for a connection; what is beyond is refused, so that a store that is away costs bounded memory. */
export const waitingMax = 1_000;

/** Rows of one request: few enough for a fraction of a heartbeat's time. */
const rowsMax = 512;

export class StoreJoining {
  /** For what may wait for a lock. */
  readonly lanes: Lanes;
  private readonly options: JoiningOptions;

  constructor(options: JoiningOptions) {
    this.options = options;
    const { waitAtOnce: count, patienceMs } = options;
    this.lanes = new Lanes({ count, patienceMs, late: () => this.refuse('too late') });
  }

  of<T, R>(work: Omit<JoinedWork<T, R>, 'blamesAnItem'>): Joining<T, R> {
    const { atOnce, patienceMs, atTurnsEnd } = this.options;
    return new Joining(
      { ...work, blamesAnItem },
      {
        atOnce,
        weightMax: rowsMax,
        waitingMax,
        patienceMs,
        refuse: (why) => this.refuse(why),
        mayGoApart: () => this.lanes.isFree,
        atTurnsEnd,
      },
    );
  }

  private refuse(why: 'too many' | 'too late'): Error {
    const { storeName, patienceMs } = this.options;
    const message =
      why === 'too many'
        ? `${waitingMax} operations wait for ${storeName} already`
        : `${storeName} was busy for ${patienceMs} ms; nothing was done`;
    return new StoreUnavailable(message, { outcomeUnknown: false });
  }
}

/** The transaction was rolled back, over a value of one item, what it refers to, or what it would have waited for. */
function blamesAnItem(error: unknown): boolean {
  return error instanceof Refusal || error instanceof ConstraintViolation || error instanceof LockedByAnother;
}
