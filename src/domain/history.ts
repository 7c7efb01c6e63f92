// The history of the store's data: whether what was said before may be lost. A standby that was promoted and a disk that was put back go
// on from an earlier moment, with data that know nothing of what came after it.

/** A moment of a history, as one statement saw it. Null: the server does not say, or has nothing to say. */
export interface HistoryPoint {
  /** The era in force. */
  readonly era: number;
  /** Whether the era was opened on the history of the server that answered. */
  readonly isOfEra: boolean;
  /** As text: an unsigned 64-bit integer. */
  readonly systemIdentifier: string | null;
  /** Raised by each promotion. */
  readonly timeline: number | null;
  /** Bytes of log written: within one timeline it only grows. */
  readonly position: number | null;
}

export type HistoryBreak =
  /** The server's data are of another history than the era: a promotion, a recovery, a copy. */
  | 'other_history'
  /** They are older than what the same process was told before: a disk that was put back, the old primary once more. */
  | 'went_back';

/** Remembers how far the history was told to go. */
export class HistoryWatch {
  private known: HistoryPoint | undefined;

  /** How far it went when it was last told; undefined before the first time. */
  get last(): HistoryPoint | undefined {
    return this.known;
  }

  /**
   * What is broken at this point; undefined when it goes on from where it was, which is then remembered. A position counts only from a
   * write whose commit was answered: others a crash of the server may take back.
   */
  note(point: HistoryPoint): HistoryBreak | undefined {
    if (!point.isOfEra) return 'other_history';
    const { known } = this;
    if (known !== undefined && !follows(known, point)) return 'went_back';
    const before = known?.era === point.era ? known.position : null;
    this.known = { ...point, position: point.position ?? before };
    return undefined;
  }
}

/** A new era explains everything; within one, nothing changes but the position, which never goes back. */
function follows(known: HistoryPoint, point: HistoryPoint): boolean {
  if (point.era !== known.era) return point.era > known.era;
  const isBehind = point.position !== null && known.position !== null && point.position < known.position;
  return point.systemIdentifier === known.systemIdentifier && point.timeline === known.timeline && !isBehind;
}
