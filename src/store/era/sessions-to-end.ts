// The sessions that an era leaves behind: all that have not ended, alive or not. A backup holds the sessions of its day, and a late
// heartbeat would revive them.
import { sql } from 'drizzle-orm';
import type { SqlRunner } from '../sql/database.ts';
import { readBoolean, readNumber, readText } from '../sql/read.ts';
import { endLiveSession } from '../sql/sessions.ts';
import { closeSessionTerms, vacateSessionLeases } from '../sql/session-leases.ts';
import { type NoParameters, statement } from '../sql/statement.ts';

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

/** As an operator's removal does, but at once: its leases are vacant, its terms over, its next heartbeat hears of it. */
export async function endSessions(tx: SqlRunner, sessions: readonly SessionToEnd[]): Promise<void> {
  const reason = 'removed';
  for (const { sessionId } of sessions) {
    await tx.all(closeSessionTerms, { sessionId, reason });
    await tx.all(vacateSessionLeases, { sessionId });
    await tx.all(endLiveSession, { sessionId, reason });
  }
}
