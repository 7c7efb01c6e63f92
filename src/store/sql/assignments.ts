// The assignment: read whole by the coordinator, by agent by everyone else; written in sets under the coordinator's term.
import { sql } from 'drizzle-orm';
import { COORDINATOR } from '../../domain/lease.ts';
import type { Move, PlannerAgent, PlannerPartition } from '../../domain/planner.ts';
import type {
  AssignedPartition,
  AssignmentStore,
  PlanningInput,
  WriteAssignmentAnswer,
} from '../assignments.ts';
import type { Fence } from '../segments.ts';
import { ConstraintViolation, first, manyRows, type SqlDatabase } from './database.ts';
import { leaseHolder, leaseRow } from './lease-rows.ts';
import { readNumber, readText, readTextList, readTextOrNull } from './read.ts';
import { nothing, statement } from './statement.ts';

type ByGroup = { group: string };

const selectGeneration = statement<ByGroup, number>(
  'select_generation',
  (d) =>
    sql`select assignment_generation from ${d.table('agent_groups')} where group_name = ${d.parameter('group', 'text')}`,
  (row) => readNumber(row, 'assignment_generation'),
);

const selectPlannerAgents = statement<ByGroup, PlannerAgent>(
  'select_planner_agents',
  (d) => sql`select a.agent_id, a.weight, a.managed_topics from ${d.table('agents')} a
    join ${d.table('sessions')} s on s.group_name = a.group_name and s.agent_id = a.agent_id and s.ended_at is null
    where a.group_name = ${d.parameter('group', 'text')} order by a.agent_id`,
  (row) => ({
    agentId: readText(row, 'agent_id'),
    weight: readNumber(row, 'weight'),
    managedTopics: readTextList(row, 'managed_topics'),
  }),
);

const selectPlannerPartitions = statement<ByGroup, PlannerPartition>(
  'select_planner_partitions',
  // Subqueries where joins would read better: each is one look by primary key, whatever the planner believes of tables that
  // were filled a moment ago. Joined, 100,000 partitions took it more than a minute.
  (d) => sql`select t.name as topic, p.partition,
      (select n.agent_id from ${d.table('assignments')} n
        where n.topic_id = p.topic_id and n.partition = p.partition) as assigned_to,
      (select s.agent_id from ${d.table('sessions')} s where s.ended_at is null and s.session_id = (${leaseHolder(d)})) as holder
    from ${d.table('topics')} t
    join ${d.table('partitions')} p on p.topic_id = t.topic_id
    where t.group_name = ${d.parameter('group', 'text')} order by t.name, p.partition`,
  (row) => ({
    topic: readText(row, 'topic'),
    partition: readNumber(row, 'partition'),
    assignedTo: readTextOrNull(row, 'assigned_to'),
    holder: readTextOrNull(row, 'holder'),
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

const moveColumns = { topic: 'text', partition: 'integer', agent_id: 'text', reason: 'text' } as const;
type MoveRow = { topic: string; partition: number; agent_id: string | null; reason: string };

const upsertAssignments = statement<ByGroup & { moves: MoveRow[] }>(
  'upsert_assignments',
  (
    d,
  ) => sql`insert into ${d.table('assignments')} (topic_id, partition, group_name, agent_id, reason, assigned_at)
    select p.topic_id, p.partition, t.group_name, m.agent_id, m.reason, ${d.now}
    from ${d.rows('moves', moveColumns)} as m
    cross join ${d.table('topics')} t cross join ${d.table('partitions')} p
    where t.group_name = ${d.parameter('group', 'text')} and t.name = m.topic
      and p.topic_id = t.topic_id and p.partition = m.partition and m.agent_id is not null
    order by p.topic_id, p.partition
    on conflict (topic_id, partition) do update
      set agent_id = excluded.agent_id, reason = excluded.reason, assigned_at = excluded.assigned_at`,
  nothing,
);

const deleteAssignments = statement<ByGroup & { moves: MoveRow[] }>(
  'delete_assignments',
  (d) => sql`delete from ${d.table('assignments')}
    where (topic_id, partition) in (
      select t.topic_id, m.partition from ${d.rows('moves', moveColumns)} as m
      cross join ${d.table('topics')} t
      where t.group_name = ${d.parameter('group', 'text')} and t.name = m.topic and m.agent_id is null)`,
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

export class SqlAssignments implements AssignmentStore {
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
    const rows = moves.map(({ topic, partition, to, reason }) => ({
      topic,
      partition,
      agent_id: to,
      reason,
    }));
    const write = () =>
      this.db.transaction(async (tx): Promise<WriteAssignmentAnswer> => {
        const term = { group, name: leaseRow(COORDINATOR).name, ...fence };
        if (!(await first(tx, lockCoordinatorTerm, term))) return { outcome: 'fenced' };
        await tx.all(upsertAssignments, { group, moves: rows });
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

  async assignmentGeneration(): Promise<number> {
    return (await first(this.db, selectGeneration, { group: this.group })) ?? 0;
  }
}
