// Agents as operators see them: alive, silent or dead, and how they are forgotten.
import { sql } from 'drizzle-orm';
import {
  agentStateOf,
  type AgentState,
  type Placement,
  placements,
  servings,
} from '../../domain/agent-state.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Page, PageRequest } from '../page.ts';
import type { Agent, SessionStore } from '../sessions.ts';
import { raiseGeneration } from './agent-group.ts';
import { decodeCursor, pageOf } from './cursor.ts';
import { first, type SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import {
  readBoolean,
  readJsonObject,
  readNumber,
  readNumberOrNull,
  readOneOf,
  readOneOfOrNull,
  readText,
  readTextList,
  readTextOrNull,
  readTimeOrNull,
} from './read.ts';
import { selectLiveSession } from './sessions.ts';
import { nothing, type Row, statement } from './statement.ts';

function agentColumns(d: Dialect) {
  return sql`a.agent_id, a.address, a.zone, a.weight, a.managed_topics, a.metadata, a.placement, s.session_id,
    s.serving,
    ${d.timeMs(sql`coalesce(s.last_heartbeat_at, (
      select max(e.last_heartbeat_at) from ${d.table('sessions')} e
      where e.group_name = a.group_name and e.agent_id = a.agent_id))`)} as last_heartbeat_at_ms,
    ${d.msBetween(d.now, sql`s.expires_at`)} as expires_in_ms,
    (select count(*) from ${d.table('leases')} l where l.session_id = s.session_id and l.kind = 'partition') as leases
    from ${d.table('agents')} a
    left join ${d.table('sessions')} s on s.group_name = a.group_name and s.agent_id = a.agent_id and s.ended_at is null`;
}

function readAgent(row: Row): Agent {
  const expiresInMs = readNumberOrNull(row, 'expires_in_ms');
  const placement = readOneOf(row, 'placement', placements);
  const serving = readOneOfOrNull(row, 'serving', servings);
  return {
    agentId: readText(row, 'agent_id'),
    address: readText(row, 'address'),
    zone: readText(row, 'zone'),
    weight: readNumber(row, 'weight'),
    managedTopics: readTextList(row, 'managed_topics'),
    metadata: readJsonObject(row, 'metadata'),
    state: agentStateOf({
      placement,
      session: serving && { hasExpired: (expiresInMs ?? 0) < 0, serving },
    }),
    placement,
    sessionId: readTextOrNull(row, 'session_id'),
    lastHeartbeatAt: readTimeOrNull(row, 'last_heartbeat_at_ms'),
    expiresInMs,
    leases: readNumber(row, 'leases'),
  };
}

const selectAgent = statement<{ group: string; agentId: string }, Agent>(
  'select_agent',
  (d) => sql`select ${agentColumns(d)}
    where a.group_name = ${d.parameter('group', 'text')} and a.agent_id = ${d.parameter('agentId', 'text')}`,
  readAgent,
);

const selectAgents = statement<{ group: string; after: string; limit: number }, Agent>(
  'select_agents',
  (d) => sql`select ${agentColumns(d)}
    where a.group_name = ${d.parameter('group', 'text')} and a.agent_id > ${d.parameter('after', 'text')}
    order by a.agent_id limit ${d.parameter('limit', 'bigint')}`,
  readAgent,
);

/** One row for each kind of agent there is, so that one function alone says what makes a state. */
const countStates = statement<{ group: string }, { readonly state: AgentState; readonly count: number }>(
  'count_agents',
  (d) => sql`select k.placement, k.serving, k.has_expired, count(*) as count from (
      select a.placement, s.serving, s.expires_at < ${d.now} as has_expired
      from ${d.table('agents')} a
      left join ${d.table('sessions')} s on s.group_name = a.group_name and s.agent_id = a.agent_id and s.ended_at is null
      where a.group_name = ${d.parameter('group', 'text')}) as k
    group by k.placement, k.serving, k.has_expired`,
  (row) => {
    const serving = readOneOfOrNull(row, 'serving', servings);
    const placement = readOneOf(row, 'placement', placements);
    const session = serving && { hasExpired: readBoolean(row, 'has_expired'), serving };
    return { state: agentStateOf({ placement, session }), count: readNumber(row, 'count') };
  },
);

/** Answers only when it changed something. */
const changePlacement = statement<{ group: string; agentId: string; placement: string }, true>(
  'change_placement',
  (d) => sql`update ${d.table('agents')} set placement = ${d.parameter('placement', 'text')}
    where group_name = ${d.parameter('group', 'text')} and agent_id = ${d.parameter('agentId', 'text')}
      and placement <> ${d.parameter('placement', 'text')}
    returning 1 as changed`,
  () => true,
);

export const requestEnd = statement<{ sessionId: string }>(
  'request_session_end',
  (d) => sql`update ${d.table('sessions')} set end_requested_at = ${d.now}
    where session_id = ${d.parameter('sessionId', 'uuid')} and ended_at is null`,
  nothing,
);

/** Only where no live session has the name at this moment. */
const deleteDeadAgent = statement<{ group: string; agentId: string }, true>(
  'delete_dead_agent',
  (d) => sql`delete from ${d.table('agents')} as a
    where a.group_name = ${d.parameter('group', 'text')} and a.agent_id = ${d.parameter('agentId', 'text')}
      and not exists (select 1 from ${d.table('sessions')} s
        where s.group_name = a.group_name and s.agent_id = a.agent_id and s.ended_at is null)
    returning 1 as deleted`,
  () => true,
);

export class SqlAgents implements Pick<
  SessionStore,
  'getAgent' | 'listAgents' | 'countAgents' | 'removeAgent' | 'setPlacement'
> {
  private readonly db: SqlDatabase;
  private readonly group: string;

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  async getAgent(agentId: string): Promise<Agent | undefined> {
    return first(this.db, selectAgent, { group: this.group, agentId });
  }

  async listAgents(page: PageRequest): Promise<Page<Agent>> {
    const [after] = decodeCursor(page, ['']);
    const rows = await this.db.all(selectAgents, { group: this.group, after, limit: page.limit + 1 });
    return pageOf(rows, page, (agent) => [agent.agentId]);
  }

  async countAgents(): Promise<Readonly<Record<AgentState, number>>> {
    const counts = { active: 0, cordoned: 0, broker_down: 0, draining: 0, expired: 0, dead: 0 };
    for (const { state, count } of await this.db.all(countStates, { group: this.group }))
      counts[state] += count;
    return counts;
  }

  async setPlacement(agentId: string, placement: Placement): Promise<Agent> {
    const { group } = this;
    return this.db.transaction(async (tx) => {
      if (await first(tx, changePlacement, { group, agentId, placement }))
        await tx.all(raiseGeneration, { group });
      const agent = await first(tx, selectAgent, { group, agentId });
      if (!agent) throw new Refusal('not_found', `agent "${agentId}" does not exist`);
      return agent;
    });
  }

  async removeAgent(agentId: string, options: { readonly force: boolean }): Promise<'removed' | 'asked'> {
    const scope = { group: this.group, agentId };
    if (await first(this.db, deleteDeadAgent, scope)) return 'removed';
    const live = await first(this.db, selectLiveSession, scope);
    if (!live) throw new Refusal('not_found', `agent "${agentId}" does not exist`);
    if (!options.force) {
      throw new Refusal(
        'conflict',
        `agent "${agentId}" has a live session (${live.process}); stop it, or force: its session is then told to end`,
      );
    }
    await this.db.all(requestEnd, { sessionId: live.sessionId });
    return 'asked';
  }
}
