// The one row of an agent group: the generation of its assignment, and what operators ask of balancing.
import { sql } from 'drizzle-orm';
import { readNumber } from './read.ts';
import { nothing, statement } from './statement.ts';

export type ByGroup = { group: string };

/** A group begins with whatever is first said of it. */
export const ensureAgentGroup = statement<ByGroup>(
  'ensure_agent_group',
  (d) => sql`insert into ${d.table('agent_groups')} (group_name) values (${d.parameter('group', 'text')})
    on conflict do nothing`,
  nothing,
);

export const selectGeneration = statement<ByGroup, number>(
  'select_generation',
  (d) =>
    sql`select assignment_generation from ${d.table('agent_groups')} where group_name = ${d.parameter('group', 'text')}`,
  (row) => readNumber(row, 'assignment_generation'),
);

export const raiseGeneration = statement<ByGroup, number>(
  'raise_assignment_generation',
  (d) => sql`update ${d.table('agent_groups')} set assignment_generation = assignment_generation + 1
    where group_name = ${d.parameter('group', 'text')} returning assignment_generation`,
  (row) => readNumber(row, 'assignment_generation'),
);
