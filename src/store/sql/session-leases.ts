// Everything one session holds, in sets: what its end and its releases share.
import { sql } from 'drizzle-orm';
import { nothing, statement } from './statement.ts';

type BySession = { sessionId: string };

/** In key order; waits for writes in flight under these leases. */
export const lockSessionLeases = statement<BySession>(
  'lock_session_leases',
  (
    d,
  ) => sql`select 1 as locked from ${d.table('leases')} l where l.session_id = ${d.parameter('sessionId', 'uuid')}
    order by l.group_name, l.kind, l.name, l.partition ${d.lock('update', 'l')}`,
  nothing,
);

export const closeSessionTerms = statement<BySession & { reason: string }>(
  'close_session_terms',
  (
    d,
  ) => sql`update ${d.table('lease_history')} as h set ended_at = ${d.now}, end_reason = ${d.parameter('reason', 'text')}
    from ${d.table('leases')} l
    where l.session_id = ${d.parameter('sessionId', 'uuid')} and h.group_name = l.group_name and h.kind = l.kind
      and h.name = l.name and h.partition = l.partition and h.epoch = l.epoch and h.ended_at is null`,
  nothing,
);

export const vacateSessionLeases = statement<BySession>(
  'vacate_session_leases',
  (d) => sql`update ${d.table('leases')} set session_id = null, acquired_at = null
    where session_id = ${d.parameter('sessionId', 'uuid')}`,
  nothing,
);
