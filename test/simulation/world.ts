// What all parts of one simulation share.
import type { Database } from './database.ts';
import type { FaultCounts } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface World {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly database: Database;
  readonly ledger: Ledger;
  readonly faults: FaultCounts;
  /** Something worth telling happened to somebody. */
  note(who: string, what: string): void;
  topicId(topic: string): number | undefined;
}
