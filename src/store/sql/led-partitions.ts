// Every partition of a group, with where it is assigned and who leads it: what plans and counts are made of.
import { type SQL, sql } from 'drizzle-orm';
import type { Dialect } from './dialect.ts';

/**
 * The rest of a statement on parameter `group`, from its FROM on: `p` is the partition, with `topic` and that name's place in order, `nth`; `n` its
 * assignment and `h` the agent with a live session that holds its lease, nulls where there is none. Whole tables are joined: looked up one by one, 20,000 partitions took
 * more than twice as long; and joined as a server likes that has counted them before they were filled, 100,000 took it more than a minute.
 */
export function fromLedPartitions(d: Dialect): SQL {
  const group = d.parameter('group', 'text');
  const topics = sql`(select t.topic_id, t.name as topic, row_number() over (order by t.name) as nth
    from ${d.table('topics')} t where t.group_name = ${group})`;
  const partitions = sql`(select t.topic, t.nth, p.topic_id, p.partition
    from ${topics} t join ${d.table('partitions')} p on p.topic_id = t.topic_id)`;
  const assignments = sql`(select n.topic_id, n.partition, n.agent_id, n.home_agent, n.reason, n.assigned_at
    from ${d.table('assignments')} n where n.group_name = ${group})`;
  const leases = sql`(select l.name, l.partition, l.session_id
    from ${d.table('leases')} l where l.group_name = ${group} and l.kind = 'partition')`;
  const holders = sql`(select s.session_id, s.agent_id
    from ${d.table('sessions')} s where s.group_name = ${group} and s.ended_at is null)`;
  return sql`from ${partitions} p
    ${d.joinWhole(assignments, 'n', sql`n.topic_id = p.topic_id and n.partition = p.partition`)}
    ${d.joinWhole(leases, 'l', sql`l.name = p.topic and l.partition = p.partition`)}
    ${d.joinWhole(holders, 'h', sql`h.session_id = l.session_id`)}
    where coalesce(p.partition, -1) >= 0`;
}
