// Opens a new era by itself, as soon as a statement of this agent's has seen that the store's data are not of the history it knew.
import { type HistoryBreak, type HistoryPoint, HistoryWatch } from '../../domain/history.ts';
import { EPOCHS_PER_ERA } from '../../domain/limits.ts';
import type { Era } from '../metadata-store.ts';
import { first, type SqlDatabase, type SqlRunner } from '../sql/database.ts';
import { selectHistoryPoint } from '../sql/era.ts';
import type { EraWatch } from '../sql/era-watch.ts';
import { eraAfter, turnEra } from './turn.ts';

/** What is to be told loudly: somebody's broker stops now. */
export interface OpenedEra {
  readonly why: HistoryBreak;
  /** Where the statement found itself that saw it. */
  readonly seen: HistoryPoint;
  /** The history that the store had been known to have. */
  readonly before: HistoryPoint | undefined;
  readonly opened: Era;
}

export interface EraKeeperOptions {
  /** As in EraDatabase. */
  readonly excludeLeaseWrites: (tx: SqlRunner) => Promise<void>;
  readonly onOpened?: ((era: OpenedEra) => void) | undefined;
}

export class EraKeeper implements EraWatch {
  private readonly db: SqlDatabase;
  private readonly options: EraKeeperOptions;
  private readonly watch = new HistoryWatch();
  /** The longest TTL under which this agent has trusted anything. */
  private ttlMs = 0;
  /** Statements that see the same break at once open one era. */
  private opening: Promise<void> | undefined;

  constructor(db: SqlDatabase, options: EraKeeperOptions) {
    this.db = db;
    this.options = options;
  }

  get eraKnown(): number | undefined {
    return this.watch.last?.era;
  }

  noteTtl(ttlMs: number): void {
    this.ttlMs = Math.max(this.ttlMs, ttlMs);
  }

  async follows(point: HistoryPoint): Promise<boolean> {
    const why = this.watch.note(point);
    if (why !== undefined) await this.open(point, why);
    return why === undefined;
  }

  async settle(): Promise<boolean> {
    const point = await first(this.db, selectHistoryPoint, {});
    if (point === undefined) throw new Error('the store has no era row');
    if (point.isOfEra) return true;
    await this.open(point, 'other_history');
    return false;
  }

  private async open(seen: HistoryPoint, why: HistoryBreak): Promise<void> {
    this.opening ??= this.openOnce(seen, why).finally(() => (this.opening = undefined));
    await this.opening;
  }

  private async openOnce(seen: HistoryPoint, why: HistoryBreak): Promise<void> {
    const { excludeLeaseWrites, onOpened } = this.options;
    const before = this.watch.last;
    const opened = await this.db.transaction(async (tx) => {
      await excludeLeaseWrites(tx);
      // An era that only the lost history had is lost with it: nobody but those who heard of it knows its epochs.
      const aboveKnown = ((this.eraKnown ?? 0) + 1) * EPOCHS_PER_ERA - 1;
      const { era, nextEra } = await eraAfter(tx, aboveKnown);
      // Somebody was first.
      if (era !== seen.era) return undefined;
      return turnEra(tx, nextEra, this.ttlMs);
    }, 'large');
    if (opened !== undefined) onOpened?.({ why, seen, before, opened });
  }
}
