// The sessions that an era leaves behind: all that have not ended, alive or not. A backup holds the sessions of its day, and a late
// heartbeat would revive them.
import { sql } from 'drizzle-orm';
import type { SqlRunner } from '../sql/database.ts';
import { readBoolean, readNumber, readText } from '../sql/read.ts';
import { nothing, type NoParameters, statement } from '../sql/statement.ts';

export interface SessionToEnd {
  readonly sessionId: string;
  readonly agentId: string;
  readonly group: string;
  /** Its TTL has not passed since its last heartbeat: an agent runs, or ran until a moment ago. */
  readonly isLive: boolean;
  /** Partitions and roles that it holds. */
  readonly leases: number;
}

const selectSessions = statement<NoParameters, SessionToEnd>(
  'sessions_to_end',
  (d) => sql`select s.session_id, s.agent_id, s.group_name, s.expires_at > ${d.now} as is_live,
      (select count(*) from ${d.table('leases')} l where l.session_id = s.session_id) as leases
    from ${d.table('sessions')} s where s.ended_at is null order by s.group_name, s.agent_id`,
  (row) => ({
    sessionId: readText(row, 'session_id'),
    agentId: readText(row, 'agent_id'),
    group: readText(row, 'group_name'),
    isLive: readBoolean(row, 'is_live'),
    leases: readNumber(row, 'leases'),
  }),
);

/** Of all groups, in the order of their names. */
export async function sessionsToEnd(store: SqlRunner): Promise<readonly SessionToEnd[]> {
  return store.all(selectSessions, {});
}

const closeAllTerms = statement<{ reason: string }>(
  'close_all_terms',
  (
    d,
  ) => sql`update ${d.table('lease_history')} as h set ended_at = ${d.now}, end_reason = ${d.parameter('reason', 'text')}
    from ${d.table('leases')} l join ${d.table('sessions')} s on s.session_id = l.session_id
    where s.ended_at is null and h.group_name = l.group_name and h.kind = l.kind and h.name = l.name
      and h.partition = l.partition and h.epoch = l.epoch and h.ended_at is null`,
  nothing,
);

const vacateAllLeases = statement(
  'vacate_all_leases',
  (d) => sql`update ${d.table('leases')} set session_id = null, acquired_at = null
    where session_id in (select s.session_id from ${d.table('sessions')} s where s.ended_at is null)`,
  nothing,
);

const endAll = statement<{ reason: string }>(
  'end_all_sessions',
  (
    d,
  ) => sql`update ${d.table('sessions')} set ended_at = ${d.now}, end_reason = ${d.parameter('reason', 'text')}
    where ended_at is null`,
  nothing,
);

/** As an operator's removal does, but at once: their leases are vacant, their terms over, their next heartbeats hear of it. */
export async function endAllSessions(tx: SqlRunner): Promise<void> {
  // Programs of earlier releases know no other word for it; who hears of the era knows why (`SqlSessions.heartbeat`).
  const reason = 'removed';
  await tx.all(closeAllTerms, { reason });
  await tx.all(vacateAllLeases, {});
  await tx.all(endAll, { reason });
}
