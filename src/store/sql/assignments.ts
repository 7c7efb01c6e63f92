// The assignment: read whole by the coordinator, by agent by everyone else; written in sets under the coordinator's term.
import { sql } from 'drizzle-orm';
import { placements, servings, takesOf } from '../../domain/agent-state.ts';
import { flapWindowMs } from '../../domain/flapping.ts';
import { COORDINATOR } from '../../domain/lease.ts';
import { type DepartedAgent, type Move, moveReasons, type PlannerPartition } from '../../domain/planner.ts';
import { type Preferred, readPreferences } from '../../domain/preference.ts';
import type {
  AssignedPartition,
  Assignment,
  AssignmentStore,
  LiveAgent,
  PartitionTarget,
  PlanningInput,
  WriteAssignmentAnswer,
} from '../assignments.ts';
import type { Fence } from '../segments.ts';
import { type ByGroup, raiseGeneration, selectGeneration } from './agent-group.ts';
import { ConstraintViolation, first, manyRows, type SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import { inHistory } from './era.ts';
import { leaseRow } from './lease-rows.ts';
import { fromLedPartitions } from './led-partitions.ts';
import {
  readBoolean,
  readJsonObject,
  readNumber,
  readOneOf,
  readText,
  readTextList,
  readTextOrNull,
  readTime,
} from './read.ts';
import { isPin, noteApplied, selectRebalance, type SqlRebalance, untouched } from './rebalance.ts';
import { nothing, statement } from './statement.ts';
import { noSuchPartition } from './topics.ts';

/** Sessions that ended stay until the purge, so crashes are forgotten sooner where the retention is shorter than their window. */
const selectPlannerAgents = statement<ByGroup, LiveAgent>(
  'select_planner_agents',
  (d) => sql`select a.agent_id, s.session_id, a.weight, a.zone, a.managed_topics, a.placement, s.serving,
      ${d.msBetween(sql`s.registered_at`, d.now)} as alive_for_ms,
      (select count(*) from ${d.table('sessions')} e
        where e.group_name = a.group_name and e.agent_id = a.agent_id and e.end_reason = 'reaped'
          and ${d.msBetween(sql`e.ended_at`, d.now)} < ${sql.raw(String(flapWindowMs))}) as crashes
    from ${d.table('agents')} a
    join ${d.table('sessions')} s on s.group_name = a.group_name and s.agent_id = a.agent_id and s.ended_at is null
    where a.group_name = ${d.parameter('group', 'text')} order by a.agent_id`,
  (row) => ({
    agentId: readText(row, 'agent_id'),
    sessionId: readText(row, 'session_id'),
    weight: readNumber(row, 'weight'),
    zone: readText(row, 'zone'),
    managedTopics: readTextList(row, 'managed_topics'),
    ...takesOf(readOneOf(row, 'placement', placements), readOneOf(row, 'serving', servings)),
    // A clock that was set back must not make it younger than new.
    aliveForMs: Math.max(0, readNumber(row, 'alive_for_ms')),
    crashes: readNumber(row, 'crashes'),
  }),
);

const selectPlannerPartitions = statement<ByGroup, PlannerPartition>(
  'select_planner_partitions',
  (d) => sql`select p.topic, p.partition, n.agent_id as assigned_to, n.home_agent as home,
      coalesce(${isPin(d)}, false) as pinned, h.agent_id as holder
    ${fromLedPartitions(d)} order by p.nth, p.partition`,
  (row) => ({
    topic: readText(row, 'topic'),
    partition: readNumber(row, 'partition'),
    assignedTo: readTextOrNull(row, 'assigned_to'),
    holder: readTextOrNull(row, 'holder'),
    pinned: readBoolean(row, 'pinned'),
    home: readTextOrNull(row, 'home'),
  }),
);

/** Of these agents those without a live session; nothing of one that is forgotten. */
const selectDeparted = statement<ByGroup & { agents: { agent_id: string }[] }, DepartedAgent>(
  'select_departed',
  (d) => sql`select a.agent_id, a.zone, coalesce((select e.end_reason = 'reaped' from ${d.table('sessions')} e
        where e.group_name = a.group_name and e.agent_id = a.agent_id
        order by e.registered_at desc limit 1), false) as has_crashed
    from ${d.rows('agents', { agent_id: 'text' })} as w
    cross join ${d.table('agents')} a
    where a.group_name = ${d.parameter('group', 'text')} and a.agent_id = w.agent_id
      and not exists (select 1 from ${d.table('sessions')} s
        where s.group_name = a.group_name and s.agent_id = a.agent_id and s.ended_at is null)
    order by a.agent_id`,
  (row) => ({
    agentId: readText(row, 'agent_id'),
    zone: readText(row, 'zone'),
    hasCrashed: readBoolean(row, 'has_crashed'),
  }),
);

/** Only of topics that seem to prefer somebody: most do not, and there may be many. */
const selectPreferences = statement<ByGroup, readonly [topic: string, preferred: Preferred]>(
  'select_preferences',
  (d) => sql`select t.name, t.config from ${d.table('topics')} t
    where t.group_name = ${d.parameter('group', 'text')} and cast(t.config as text) like '%"prefer%'`,
  (row) => [readText(row, 'name'), readPreferences(readJsonObject(row, 'config'))],
);

/** Holds the coordinator's lease at its epoch until the commit: a successor's writes come after ours, or ours are refused. */
const lockCoordinatorTerm = statement<ByGroup & { name: string; sessionId: string; epoch: number }, true>(
  'lock_coordinator_term',
  (d) => sql`select 1 as held from ${d.table('leases')} l
    where l.group_name = ${d.parameter('group', 'text')} and l.kind = 'role' and l.name = ${d.parameter('name', 'text')}
      and l.partition = 0 and l.epoch = ${d.parameter('epoch', 'bigint')} and l.session_id = ${d.parameter('sessionId', 'uuid')}
      and ${inHistory(d)}
    ${d.lock('no key update', 'l')}`,
  () => true,
);

const moveColumns = {
  topic: 'text',
  partition: 'integer',
  from_agent: 'text',
  agent_id: 'text',
  reason: 'text',
  home: 'text',
} as const;
type MoveRow = {
  topic: string;
  partition: number;
  from_agent: string | null;
  agent_id: string | null;
  reason: string;
  home: string | null;
};

/**
 * The moves with the topic's id looked up beside them, not joined: a join leaves a plan free to look assignments up by their
 * partition's number alone, which is quadratic on a table that shrank or grew a moment ago.
 */
function movesById(d: Dialect) {
  return sql`(select m.partition, m.from_agent, m.agent_id, m.reason, m.home,
      (select t.topic_id from ${d.table('topics')} t
        where t.group_name = ${d.parameter('group', 'text')} and t.name = m.topic) as topic_id
    from ${d.rows('moves', moveColumns)} as m)`;
}

/**
 * Judged by the row's own columns: behind an operator's move that was under way it is judged again on the row that
 * it left, and a request to apply that came meanwhile is not seen, which leaves the pin. A move for balance never takes what an operator has put there; that a plan does so means that it did not know.
 */
const changeAssignments = statement<ByGroup & { moves: MoveRow[] }>(
  'change_assignments',
  // Not "=" for the agent, which could be looked up by its index: how much an agent has is what planners know least.
  (d) => sql`update ${d.table('assignments')} as n
    set agent_id = m.agent_id, reason = m.reason, assigned_at = ${d.now}, home_agent = m.home
    from ${movesById(d)} as m
    where n.topic_id = m.topic_id and n.partition = m.partition
      and m.from_agent is not null and m.agent_id is not null
      and n.agent_id is not distinct from m.from_agent
      and not (m.reason in ('balance', 'agent_joined', 'prefer') and ${isPin(d)})`,
  nothing,
);

const insertAssignments = statement<ByGroup & { moves: MoveRow[] }>(
  'insert_assignments',
  (
    d,
  ) => sql`insert into ${d.table('assignments')} (topic_id, partition, group_name, agent_id, reason, assigned_at, home_agent)
    select p.topic_id, p.partition, t.group_name, m.agent_id, m.reason, ${d.now}, m.home
    from ${d.rows('moves', moveColumns)} as m
    cross join ${d.table('topics')} t
    ${d.lookUp('partitions', 'p', sql`p.topic_id = t.topic_id and p.partition = m.partition`)}
    where t.group_name = ${d.parameter('group', 'text')} and t.name = m.topic
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

/** What one agent has mostly fits; then it is one statement, and no transaction with a time limit of its own. */
const fewAssignedMax = 1_000;

const selectAssigned = statement<ByGroup & { agentId: string; limit: number }, AssignedPartition>(
  'select_assigned_partitions',
  (d) => sql`select t.name as topic, n.partition from ${d.table('assignments')} n
    join ${d.table('topics')} t on t.topic_id = n.topic_id
    where n.group_name = ${d.parameter('group', 'text')} and n.agent_id = ${d.parameter('agentId', 'text')}
    order by t.name, n.partition limit ${d.parameter('limit', 'bigint')}`,
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

/** One row for a partition that there is. */
const selectAssignment = statement<ByGroup & { topic: string; partition: number }, Assignment | null>(
  'select_assignment',
  (d) => sql`select n.agent_id, n.reason, ${d.timeMs(sql`n.assigned_at`)} as assigned_at_ms, n.home_agent
    from ${d.table('topics')} t
    join ${d.table('partitions')} p on p.topic_id = t.topic_id
    left join ${d.table('assignments')} n on n.topic_id = p.topic_id and n.partition = p.partition
    where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')}
      and p.partition = ${d.parameter('partition', 'integer')}`,
  (row) => {
    const agentId = readTextOrNull(row, 'agent_id');
    if (agentId === null) return null;
    return {
      agentId,
      reason: readOneOf(row, 'reason', moveReasons),
      assignedAt: readTime(row, 'assigned_at_ms'),
      home: readTextOrNull(row, 'home_agent'),
    };
  },
);

export class SqlAssignments implements Omit<AssignmentStore, 'assign' | keyof SqlRebalance> {
  private readonly db: SqlDatabase;
  private readonly group: string;
  /** Agents that had more than a few when last read: they are not tried with a few first. */
  private readonly hadMany = new Set<string>();

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  async readPlanningInput(): Promise<PlanningInput> {
    const { group } = this;
    // The generation first: a plan made from older rows than it names is planned again, never the other way round.
    const rebalance = (await first(this.db, selectRebalance, { group })) ?? untouched;
    const agents = await this.db.all(selectPlannerAgents, { group });
    const preferred = new Map(await this.db.all(selectPreferences, { group }));
    const stored = await this.db.all(selectPlannerPartitions, { group }, 'large');
    const partitions = stored.map((partition): PlannerPartition => {
      const prefer = preferred.get(partition.topic)?.(partition.partition) ?? [];
      return prefer.length === 0 ? partition : { ...partition, prefer };
    });
    return { ...rebalance, agents, departed: await this.departed(agents, partitions), partitions };
  }

  async writeAssignment(
    fence: Fence,
    moves: readonly Move[],
    { applied }: { readonly applied?: Date | undefined } = {},
  ): Promise<WriteAssignmentAnswer> {
    const { group } = this;
    const rows = moves.map(({ topic, partition, from, to, reason, home = null }) => ({
      topic,
      partition,
      from_agent: from,
      agent_id: to,
      reason,
      home,
    }));
    const write = () =>
      this.db.transaction(async (tx): Promise<WriteAssignmentAnswer> => {
        const term = { group, name: leaseRow(COORDINATOR).name, ...fence };
        if (!(await first(tx, lockCoordinatorTerm, term))) return { outcome: 'fenced' };
        // A takeover only changes, a new topic only inserts: what there is nothing of is not asked for.
        const placed = rows.filter((row) => row.agent_id !== null);
        if (placed.some((row) => row.from_agent !== null))
          await tx.all(changeAssignments, { group, moves: rows });
        if (placed.some((row) => row.from_agent === null))
          await tx.all(insertAssignments, { group, moves: rows });
        if (rows.some((row) => row.agent_id === null))
          await tx.all(deleteAssignments, { group, moves: rows });
        if (applied) await tx.all(noteApplied, { group, appliedMs: applied.getTime() });
        const generation = await first(tx, raiseGeneration, { group });
        return generation === undefined ? { outcome: 'fenced' } : { outcome: 'written', generation };
      }, 'large');
    // A topic may be deleted between our join and the foreign key's check; the second time the join does not see it.
    return write().catch((error: unknown) => {
      if (error instanceof ConstraintViolation && error.kind === 'foreign_key') return write();
      throw error;
    });
  }

  async assignmentRewritten(moves: number): Promise<void> {
    if (moves >= manyRows) await this.db.refreshStatistics(['assignments']);
  }

  async getAssignment(topic: string, partition: number): Promise<Assignment | null> {
    const found = await first(this.db, selectAssignment, { group: this.group, topic, partition });
    if (found === undefined) throw noSuchPartition(topic, partition);
    return found;
  }

  async readAssignment(
    agentId: string,
  ): Promise<{ readonly generation: number; readonly partitions: readonly AssignedPartition[] }> {
    const { group } = this;
    const generation = await this.assignmentGeneration();
    if (!this.hadMany.has(agentId)) {
      const few = await this.db.all(selectAssigned, { group, agentId, limit: fewAssignedMax + 1 });
      if (few.length <= fewAssignedMax) return { generation, partitions: few };
    }
    const all = { group, agentId, limit: Number.MAX_SAFE_INTEGER };
    const partitions = await this.db.all(selectAssigned, all, 'large');
    if (partitions.length > fewAssignedMax) this.hadMany.add(agentId);
    else this.hadMany.delete(agentId);
    return { generation, partitions };
  }

  async readTargets(keys: readonly AssignedPartition[]): Promise<readonly PartitionTarget[]> {
    const rows = keys.map(({ topic, partition }) => ({ topic, partition }));
    return this.db.all(selectTargets, { group: this.group, keys: rows });
  }

  async assignmentGeneration(): Promise<number> {
    return (await first(this.db, selectGeneration, { group: this.group })) ?? 0;
  }

  /** Looked up by name: reading all assignments for them once more would cost much, and mostly there are none. */
  private async departed(
    agents: readonly LiveAgent[],
    partitions: readonly PlannerPartition[],
  ): Promise<readonly DepartedAgent[]> {
    const named = new Set<string>();
    for (const { assignedTo, home } of partitions) {
      if (assignedTo !== null) named.add(assignedTo);
      if (home) named.add(home);
    }
    for (const { agentId } of agents) named.delete(agentId);
    if (named.size === 0) return [];
    const rows = [...named].map((agentId) => ({ agent_id: agentId }));
    return this.db.all(selectDeparted, { group: this.group, agents: rows });
  }
}
