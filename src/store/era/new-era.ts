// `streamhouse db fence --new-era`: after a restore, or a failover that may have lost commits, the store no longer knows all epochs that
// were given out. A new era lies above all of them, and ends every session, since what a session believes may be of the lost history.
import { sql } from 'drizzle-orm';
import { EPOCHS_PER_ERA, INTEGER_MAX } from '../../domain/limits.ts';
import { firstFew } from '../copy/live-agents.ts';
import { first, type SqlRunner } from '../sql/database.ts';
import { noteHistory, openEra, selectEra } from '../sql/era.ts';
import { readNumber } from '../sql/read.ts';
import { type NoParameters, statement } from '../sql/statement.ts';
import type { EraDatabase, History } from './era-database.ts';
import { endSessions, sessionsToEnd, type SessionToEnd } from './sessions-to-end.ts';

export interface NewEraOptions {
  /** The highest epoch that somebody has seen of the lost history; 0: none that the store does not know. */
  readonly above: number;
  /** End the sessions of agents that run. */
  readonly force: boolean;
  /** Asked before anything is changed; the era stays when it answers false. */
  readonly confirm: (plan: NewEraPlan) => Promise<boolean>;
}

export interface NewEraPlan {
  /** The era in force. */
  readonly era: number;
  /** The era that is opened. */
  readonly nextEra: number;
  /** The highest epoch that the store knows of. */
  readonly epochMax: number;
  readonly sessions: readonly SessionToEnd[];
}

export type NewEraOutcome =
  | { readonly outcome: 'not_confirmed' }
  | ({ readonly outcome: 'opened' } & NewEraPlan);

/** Something stands in the way that an operator can change; `message` says what. Nothing was changed. */
export class NewEraRefused extends Error {
  override readonly name = 'NewEraRefused';
}

const eraMax = Math.floor(INTEGER_MAX / EPOCHS_PER_ERA);

/** Leases of purged topics are gone, and their name's floor stays. */
const selectEpochMax = statement<NoParameters, number>(
  'select_epoch_max',
  (d) =>
    sql`select ${d.greatest(
      sql`(select coalesce(max(epoch), 0) from ${d.table('leases')})`,
      sql`(select coalesce(max(epoch), 0) from ${d.table('epoch_floors')})`,
    )} as epoch_max`,
  (row) => readNumber(row, 'epoch_max'),
);

/** Fails with NewEraRefused when an operator must change something first. */
export async function openNewEra(store: EraDatabase, options: NewEraOptions): Promise<NewEraOutcome> {
  const { db } = store;
  const history = await store.history();
  const plan = await planOf(db, history, options);
  if (!(await options.confirm(plan))) return { outcome: 'not_confirmed' };
  return db.transaction(async (tx) => {
    await store.excludeLeaseWrites(tx);
    // Judged anew: whoever registered meanwhile may hold something already.
    const { nextEra, ...current } = await planOf(tx, history, options);
    await endSessions(tx, current.sessions);
    const opened = await first(tx, openEra, { above: nextEra - 1 });
    if (opened === undefined) throw new Error('the store has no era row');
    await tx.all(noteHistory, { ...history });
    return { outcome: 'opened', ...current, nextEra: opened.number };
  }, 'large');
}

async function planOf(
  store: SqlRunner,
  { timeline }: History,
  { above, force }: NewEraOptions,
): Promise<NewEraPlan> {
  const sessions = await sessionsToEnd(store);
  const live = sessions.filter(({ isLive }) => isLive);
  if (live.length > 0 && !force) throw agentsRun(live);
  const era = await first(store, selectEra, {});
  if (era === undefined) throw new Error('the store has no era row');
  const epochMax = (await first(store, selectEpochMax, {})) ?? 0;
  const known = Math.floor(Math.max(epochMax, above) / EPOCHS_PER_ERA);
  // Two recoveries from one backup find the same era in it, and never the same timeline, as long as they share an archive.
  const nextEra = Math.max(era.number + 1, known + 1, timeline ?? 0);
  if (nextEra > eraMax) {
    throw new NewEraRefused(`there is no era above ${nextEra - 1}: epochs end at 2^53 - 1`);
  }
  return { era: era.number, nextEra, epochMax, sessions };
}

function agentsRun(live: readonly SessionToEnd[]): NewEraRefused {
  const names = live.map(({ agentId, group }) => `${agentId} (group ${group})`);
  return new NewEraRefused(
    `agents run on this store: ${firstFew(names)}; stop them all first, after a kill wait for their TTL. Or --force: it ends their sessions, and until an agent hears of it at its next heartbeat, its broker and the next leader may both believe that they lead`,
  );
}
