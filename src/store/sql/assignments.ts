// The assignment: read whole by the coordinator, by agent by everyone else; written in sets under the coordinator's term.
import { sql } from 'drizzle-orm';
import { placements, servings, takesOf } from '../../domain/agent-state.ts';
import { COORDINATOR } from '../../domain/lease.ts';
import type { Move, PlannerAgent, PlannerPartition } from '../../domain/planner.ts';
import type {
  AssignedPartition,
  AssignmentStore,
  PartitionTarget,
  PlanningInput,
  WriteAssignmentAnswer,
} from '../assignments.ts';
import type { Fence } from '../segments.ts';
import { ConstraintViolation, first, manyRows, type SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import { leaseHolder, leaseRow } from './lease-rows.ts';
import { readBoolean, readNumber, readOneOf, readText, readTextList, readTextOrNull } from './read.ts';
import { nothing, statement } from './statement.ts';

type ByGroup = { group: string };

export const selectGeneration = statement<ByGroup, number>(
  'select_generation',
  (d) =>
    sql`select assignment_generation from ${d.table('agent_groups')} where group_name = ${d.parameter('group', 'text')}`,
  (row) => readNumber(row, 'assignment_generation'),
);

const selectPlannerAgents = statement<ByGroup, PlannerAgent>(
  'select_planner_agents',
  (d) => sql`select a.agent_id, a.weight, a.managed_topics, a.placement, s.serving from ${d.table('agents')} a
    join ${d.table('sessions')} s on s.group_name = a.group_name and s.agent_id = a.agent_id and s.ended_at is null
    where a.group_name = ${d.parameter('group', 'text')} order by a.agent_id`,
  (row) => ({
    agentId: readText(row, 'agent_id'),
    weight: readNumber(row, 'weight'),
    managedTopics: readTextList(row, 'managed_topics'),
    ...takesOf(readOneOf(row, 'placement', placements), readOneOf(row, 'serving', servings)),
  }),
);

const selectPlannerPartitions = statement<ByGroup, PlannerPartition>(
  'select_planner_partitions',
  // Subqueries where joins would read better: each is one look by primary key, whatever the planner believes of tables that
  // were filled a moment ago. Joined, 100,000 partitions took it more than a minute.
  (d) => sql`select t.name as topic, p.partition,
      (select n.agent_id from ${d.table('assignments')} n
        where n.topic_id = p.topic_id and n.partition = p.partition) as assigned_to,
      exists (select 1 from ${d.table('assignments')} n
        where n.topic_id = p.topic_id and n.partition = p.partition and n.reason = 'operator') as pinned,
      (select s.agent_id from ${d.table('sessions')} s where s.ended_at is null and s.session_id = (${leaseHolder(d)})) as holder
    from ${d.table('topics')} t
    join ${d.table('partitions')} p on p.topic_id = t.topic_id
    where t.group_name = ${d.parameter('group', 'text')} order by t.name, p.partition`,
  (row) => ({
    topic: readText(row, 'topic'),
    partition: readNumber(row, 'partition'),
    assignedTo: readTextOrNull(row, 'assigned_to'),
    holder: readTextOrNull(row, 'holder'),
    pinned: readBoolean(row, 'pinned'),
  }),
);

/** Holds the coordinator's lease at its epoch until the commit: a successor's writes come after ours, or ours are refused. */
const lockCoordinatorTerm = statement<ByGroup & { name: string; sessionId: string; epoch: number }, true>(
  'lock_coordinator_term',
  (d) => sql`select 1 as held from ${d.table('leases')} l
    where l.group_name = ${d.parameter('group', 'text')} and l.kind = 'role' and l.name = ${d.parameter('name', 'text')}
      and l.partition = 0 and l.epoch = ${d.parameter('epoch', 'bigint')} and l.session_id = ${d.parameter('sessionId', 'uuid')}
    ${d.lock('no key update', 'l')}`,
  () => true,
);

const moveColumns = {
  topic: 'text',
  partition: 'integer',
  from_agent: 'text',
  agent_id: 'text',
  reason: 'text',
} as const;
type MoveRow = {
  topic: string;
  partition: number;
  from_agent: string | null;
  agent_id: string | null;
  reason: string;
};

/**
 * The moves with the topic's id looked up beside them, not joined: a join leaves a plan free to look assignments up by their
 * partition's number alone, which is quadratic on a table that shrank or grew a moment ago.
 */
function movesById(d: Dialect) {
  return sql`(select m.partition, m.from_agent, m.agent_id, m.reason,
      (select t.topic_id from ${d.table('topics')} t
        where t.group_name = ${d.parameter('group', 'text')} and t.name = m.topic) as topic_id
    from ${d.rows('moves', moveColumns)} as m)`;
}

/**
 * Judged by the row's own columns alone: behind an operator's move that was under way it is judged again on the row that
 * it left. A move for balance never takes what an operator has put there; that a plan does so means that it did not know.
 */
const changeAssignments = statement<ByGroup & { moves: MoveRow[] }>(
  'change_assignments',
  // Not "=" for the agent, which could be looked up by its index: how much an agent has is what planners know least.
  (d) => sql`update ${d.table('assignments')} as n
    set agent_id = m.agent_id, reason = m.reason, assigned_at = ${d.now}
    from ${movesById(d)} as m
    where n.topic_id = m.topic_id and n.partition = m.partition
      and m.from_agent is not null and m.agent_id is not null
      and n.agent_id is not distinct from m.from_agent
      and (n.reason <> 'operator' or m.reason not in ('balance', 'agent_joined'))`,
  nothing,
);

const insertAssignments = statement<ByGroup & { moves: MoveRow[] }>(
  'insert_assignments',
  (
    d,
  ) => sql`insert into ${d.table('assignments')} (topic_id, partition, group_name, agent_id, reason, assigned_at)
    select p.topic_id, p.partition, t.group_name, m.agent_id, m.reason, ${d.now}
    from ${d.rows('moves', moveColumns)} as m
    cross join ${d.table('topics')} t cross join ${d.table('partitions')} p
    where t.group_name = ${d.parameter('group', 'text')} and t.name = m.topic
      and p.topic_id = t.topic_id and p.partition = m.partition
      and m.agent_id is not null and m.from_agent is null
    order by p.topic_id, p.partition
    on conflict do nothing`,
  nothing,
);

const deleteAssignments = statement<ByGroup & { moves: MoveRow[] }>(
  'delete_assignments',
  (d) => sql`delete from ${d.table('assignments')}
    where (topic_id, partition, agent_id) in (
      select m.topic_id, m.partition, m.from_agent from ${movesById(d)} as m where m.agent_id is null)`,
  nothing,
);

export const raiseGeneration = statement<ByGroup, number>(
  'raise_assignment_generation',
  (d) => sql`update ${d.table('agent_groups')} set assignment_generation = assignment_generation + 1
    where group_name = ${d.parameter('group', 'text')} returning assignment_generation`,
  (row) => readNumber(row, 'assignment_generation'),
);

const selectAssigned = statement<ByGroup & { agentId: string }, AssignedPartition>(
  'select_assigned_partitions',
  (d) => sql`select t.name as topic, n.partition from ${d.table('assignments')} n
    join ${d.table('topics')} t on t.topic_id = n.topic_id
    where n.group_name = ${d.parameter('group', 'text')} and n.agent_id = ${d.parameter('agentId', 'text')}
    order by t.name, n.partition`,
  (row) => ({ topic: readText(row, 'topic'), partition: readNumber(row, 'partition') }),
);

const selectTargets = statement<ByGroup & { keys: { topic: string; partition: number }[] }, PartitionTarget>(
  'select_targets',
  (d) => sql`select w.topic, w.partition, (
      select n.agent_id from ${d.table('assignments')} n where n.partition = w.partition and n.topic_id = (
        select t.topic_id from ${d.table('topics')} t
        where t.group_name = ${d.parameter('group', 'text')} and t.name = w.topic)) as agent_id
    from ${d.rows('keys', { topic: 'text', partition: 'integer' })} as w`,
  (row) => ({
    topic: readText(row, 'topic'),
    partition: readNumber(row, 'partition'),
    agentId: readTextOrNull(row, 'agent_id'),
  }),
);

export class SqlAssignments implements Omit<AssignmentStore, 'assign'> {
  private readonly db: SqlDatabase;
  private readonly group: string;

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  async readPlanningInput(): Promise<PlanningInput> {
    const { group } = this;
    // The generation first: a plan made from older rows than it names is planned again, never the other way round.
    const generation = await this.assignmentGeneration();
    const agents = await this.db.all(selectPlannerAgents, { group });
    const partitions = await this.db.all(selectPlannerPartitions, { group }, 'large');
    return { generation, agents, partitions };
  }

  async writeAssignment(fence: Fence, moves: readonly Move[]): Promise<WriteAssignmentAnswer> {
    const { group } = this;
    const rows = moves.map(({ topic, partition, from, to, reason }) => ({
      topic,
      partition,
      from_agent: from,
      agent_id: to,
      reason,
    }));
    const write = () =>
      this.db.transaction(async (tx): Promise<WriteAssignmentAnswer> => {
        const term = { group, name: leaseRow(COORDINATOR).name, ...fence };
        if (!(await first(tx, lockCoordinatorTerm, term))) return { outcome: 'fenced' };
        await tx.all(changeAssignments, { group, moves: rows });
        await tx.all(insertAssignments, { group, moves: rows });
        if (rows.some((row) => row.agent_id === null))
          await tx.all(deleteAssignments, { group, moves: rows });
        const generation = await first(tx, raiseGeneration, { group });
        return generation === undefined ? { outcome: 'fenced' } : { outcome: 'written', generation };
      }, 'large');
    // A topic may be deleted between our join and the foreign key's check; the second time the join does not see it.
    const answer = await write().catch((error: unknown) => {
      if (error instanceof ConstraintViolation && error.kind === 'foreign_key') return write();
      throw error;
    });
    if (moves.length >= manyRows) await this.db.refreshStatistics(['assignments']);
    return answer;
  }

  async readAssignment(
    agentId: string,
  ): Promise<{ readonly generation: number; readonly partitions: readonly AssignedPartition[] }> {
    const generation = await this.assignmentGeneration();
    return {
      generation,
      partitions: await this.db.all(selectAssigned, { group: this.group, agentId }, 'large'),
    };
  }

  async readTargets(keys: readonly AssignedPartition[]): Promise<readonly PartitionTarget[]> {
    const rows = keys.map(({ topic, partition }) => ({ topic, partition }));
    return this.db.all(selectTargets, { group: this.group, keys: rows });
  }

  async assignmentGeneration(): Promise<number> {
    return (await first(this.db, selectGeneration, { group: this.group })) ?? 0;
  }
}
