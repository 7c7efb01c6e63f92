// Port of the SQL layer: who sees to it that the store's data are of the history that epochs belong to (`../era/era-keeper.ts`).
import type { HistoryPoint } from '../../domain/history.ts';

export interface EraWatch {
  /** The era that this agent has heard of last, which is the highest; undefined before its first heartbeat. */
  readonly eraKnown: number | undefined;
  /** A session of so long a TTL is registered: it may be lost with its registration, and is waited for all the same. */
  noteTtl(ttlMs: number): void;
  /**
   * Of an answer that saw `point`: false when that is of a history that is over, and a new era is open now. The point of anything but a
   * committed write must have no position.
   */
  follows(point: HistoryPoint): Promise<boolean>;
  /** Something was refused, or not found: false when that is because the history is another; a new era is open now. */
  settle(): Promise<boolean>;
}
