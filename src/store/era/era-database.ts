// Port: what opening an era asks of a store.
import type { SqlDatabase, SqlRunner } from '../sql/database.ts';

/** Where a server says that its data come from; null where it does not say, or has nothing to say. */
export interface History {
  /** As text: an unsigned 64-bit integer. */
  readonly systemIdentifier: string | null;
  /** Raised by each promotion, also by the one that ends a recovery to a point in time. */
  readonly timeline: number | null;
}

export interface EraDatabase extends AsyncDisposable {
  readonly db: SqlDatabase;
  history(): Promise<History>;
  /**
   * First in a transaction: waits for every grant, release and fenced write in flight, and lets none begin before the commit.
   * What begins then reads what the transaction has left.
   */
  excludeLeaseWrites(tx: SqlRunner): Promise<void>;
}
