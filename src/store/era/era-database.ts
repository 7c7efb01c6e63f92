// Port: what opening an era asks of a store.
import type { SqlDatabase, SqlRunner } from '../sql/database.ts';

export interface EraDatabase extends AsyncDisposable {
  readonly db: SqlDatabase;
  /**
   * First in a transaction: waits for every grant, release and fenced write in flight, and lets none begin before the commit.
   * What begins then reads what the transaction has left.
   */
  excludeLeaseWrites(tx: SqlRunner): Promise<void>;
}
