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
  const next =
    role === 'source'
      ? 'stop them all first. After a kill, wait for their TTL; --force does not wait, and what such an agent still writes is lost'
      : 'stop them all first';
  throw new CopyRefused(`agents run on the ${role}: ${firstFew(live)}; ${next}`);
}

/** So that a sentence stays one, however many agents there are. */
export function firstFew(names: readonly string[]): string {
  const shown = names.length > 5 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
  return shown.join(', ');
}
