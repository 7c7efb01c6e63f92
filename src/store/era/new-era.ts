// `streamhouse db fence --new-era`: after a restore, or a failover that may have lost commits, the store no longer knows all epochs that
// were given out. A new era lies above all of them, and ends every session, since what a session believes may be of the lost history.
import { firstFew } from '../copy/live-agents.ts';
import type { SqlRunner } from '../sql/database.ts';
import type { EraDatabase } from './era-database.ts';
import { sessionsToEnd, type SessionToEnd } from './sessions-to-end.ts';
import { eraAfter, NewEraRefused, type NextEra, turnEra } from './turn.ts';

export interface NewEraOptions {
  /** The highest epoch that somebody has seen of the lost history; 0: none that the store does not know. */
  readonly above: number;
  /** End the sessions of agents that run. */
  readonly force: boolean;
  /** Asked before anything is changed; the era stays when it answers false. */
  readonly confirm: (plan: NewEraPlan) => Promise<boolean>;
}

export interface NewEraPlan extends NextEra {
  readonly sessions: readonly SessionToEnd[];
}

export type NewEraOutcome =
  | { readonly outcome: 'not_confirmed' }
  | ({ readonly outcome: 'opened' } & NewEraPlan);

/** Fails with NewEraRefused when an operator must change something first. */
export async function openNewEra(store: EraDatabase, options: NewEraOptions): Promise<NewEraOutcome> {
  const { db } = store;
  const plan = await planOf(db, options);
  if (!(await options.confirm(plan))) return { outcome: 'not_confirmed' };
  return db.transaction(async (tx) => {
    await store.excludeLeaseWrites(tx);
    // Judged anew: whoever registered meanwhile may hold something already.
    const { nextEra, ...current } = await planOf(tx, options);
    const opened = await turnEra(tx, nextEra, 0);
    return { outcome: 'opened', ...current, nextEra: opened.number };
  }, 'large');
}

async function planOf(store: SqlRunner, { above, force }: NewEraOptions): Promise<NewEraPlan> {
  const sessions = await sessionsToEnd(store);
  const live = sessions.filter(({ isLive }) => isLive);
  if (live.length > 0 && !force) throw agentsRun(live);
  return { ...(await eraAfter(store, above)), sessions };
}

function agentsRun(live: readonly SessionToEnd[]): NewEraRefused {
  const names = live.map(({ agentId, group }) => `${agentId} (group ${group})`);
  return new NewEraRefused(
    `agents run on this store: ${firstFew(names)}; stop them all first, after a kill wait for their TTL. Or --force: it ends their sessions, and until an agent hears of it at its next heartbeat, its broker and the next leader may both believe that they lead`,
  );
}
