// Whether agents run on a store: sessions that have not ended and whose TTL has not passed in silence.
import { sql } from 'drizzle-orm';
import type { SqlRunner } from '../sql/database.ts';
import { readText } from '../sql/read.ts';
import { type NoParameters, statement } from '../sql/statement.ts';
import { CopyRefused } from './refused.ts';

const selectLive = statement<NoParameters, string>(
  'copy_live_agents',
  (d) => sql`select s.agent_id, s.group_name from ${d.table('sessions')} s
    where s.ended_at is null and s.expires_at > ${d.now} order by s.group_name, s.agent_id`,
  (row) => `${readText(row, 'agent_id')} (group ${readText(row, 'group_name')})`,
);

/** Their names with their groups, in order. */
export async function liveAgents(store: SqlRunner): Promise<readonly string[]> {
  return store.all(selectLive, {});
}

export async function refuseLiveAgents(store: SqlRunner, role: 'source' | 'target'): Promise<void> {
  const live = await liveAgents(store);
  if (live.length === 0) return;
  const shown = live.length > 5 ? [...live.slice(0, 5), `${live.length - 5} more`] : live;
  const next =
    role === 'source'
      ? 'stop them all first. After a kill, wait for their TTL; --force does not wait, and what such an agent still writes is lost'
      : 'stop them all first';
  throw new CopyRefused(`agents run on the ${role}: ${shown.join(', ')}; ${next}`);
}
