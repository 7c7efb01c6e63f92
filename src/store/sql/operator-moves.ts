// An operator's move: one row of the assignment, written under the partition's locked lease. The planner leaves it alone as
// long as the agent takes it.
import { sql } from 'drizzle-orm';
import { agentStateOf, placements, type AgentState, servings, takesOf } from '../../domain/agent-state.ts';
import { partitionKey } from '../../domain/lease.ts';
import { Refusal } from '../../domain/refusal.ts';
import { listsTopic } from '../../domain/topic-pattern.ts';
import type { AssignmentStore, OperatorMove } from '../assignments.ts';
import { raiseGeneration, selectGeneration } from './agent-group.ts';
import { first, type SqlDatabase, type SqlRunner } from './database.ts';
import { holderOf, lockAtEpoch } from './lease-lock.ts';
import { readBoolean, readNumber, readOneOf, readOneOfOrNull, readText, readTextList } from './read.ts';
import { applyRequest, isPin } from './rebalance.ts';
import { statement } from './statement.ts';
import { noSuchPartition } from './topics.ts';

type OfPartition = { group: string; topic: string; partition: number };

interface Candidate {
  readonly agentId: string;
  readonly weight: number;
  readonly managedTopics: readonly string[];
  readonly state: AgentState;
  /** Whether it may be given something new, as far as the planner is concerned. */
  readonly isOpen: boolean;
  /** Partitions assigned to it. */
  readonly load: number;
}

/** All agents of the group. */
const selectCandidates = statement<{ group: string }, Candidate>(
  'select_candidates',
  (
    d,
  ) => sql`select a.agent_id, a.weight, a.managed_topics, a.placement, s.serving, s.expires_at < ${d.now} as has_expired,
      (select count(*) from ${d.table('assignments')} n
        where n.group_name = a.group_name and n.agent_id = a.agent_id) as load
    from ${d.table('agents')} a
    left join ${d.table('sessions')} s on s.group_name = a.group_name and s.agent_id = a.agent_id and s.ended_at is null
    where a.group_name = ${d.parameter('group', 'text')} order by a.agent_id`,
  (row) => {
    const placement = readOneOf(row, 'placement', placements);
    const serving = readOneOfOrNull(row, 'serving', servings);
    const session = serving && { hasExpired: readBoolean(row, 'has_expired'), serving };
    return {
      agentId: readText(row, 'agent_id'),
      weight: readNumber(row, 'weight'),
      managedTopics: readTextList(row, 'managed_topics'),
      state: agentStateOf({ placement, session }),
      isOpen: serving !== null && takesOf(placement, serving).takes === 'new',
      load: readNumber(row, 'load'),
    };
  },
);

interface Assigned {
  readonly agentId: string;
  readonly pinned: boolean;
}

const selectAssigned = statement<OfPartition, Assigned>(
  'select_assigned',
  (d) => sql`select n.agent_id, ${isPin(d)} as pinned from ${d.table('assignments')} n
    where n.partition = ${d.parameter('partition', 'integer')} and n.topic_id = (
      select t.topic_id from ${d.table('topics')} t
      where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')})`,
  (row) => ({ agentId: readText(row, 'agent_id'), pinned: readBoolean(row, 'pinned') }),
);

/** Answers nothing when the partition is gone. Never before a request to apply that there is already: that one is not about it. */
const assignByOperator = statement<OfPartition & { agentId: string }, true>(
  'assign_by_operator',
  (
    d,
  ) => sql`insert into ${d.table('assignments')} (topic_id, partition, group_name, agent_id, reason, assigned_at, home_agent)
    select p.topic_id, p.partition, t.group_name, ${d.parameter('agentId', 'text')}, 'operator',
      ${d.greatest(d.now, sql`coalesce(${applyRequest(d)}, ${d.now})`)}, null
    from ${d.table('topics')} t cross join ${d.table('partitions')} p
    where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')}
      and p.topic_id = t.topic_id and p.partition = ${d.parameter('partition', 'integer')}
    on conflict (topic_id, partition) do update
      set agent_id = excluded.agent_id, reason = excluded.reason, assigned_at = excluded.assigned_at, home_agent = null
    returning 1 as assigned`,
  () => true,
);

export class SqlOperatorMoves implements Pick<AssignmentStore, 'assign'> {
  private readonly db: SqlDatabase;
  private readonly group: string;

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  async assign(
    topic: string,
    partition: number,
    to: string | null,
    expectedEpoch: number | null,
  ): Promise<OperatorMove> {
    const { group } = this;
    const of = { group, topic, partition };
    return this.db.transaction(async (tx) => {
      const lease = await lockAtEpoch(tx, group, partitionKey(topic, partition), expectedEpoch);
      const holder = await holderOf(tx, lease);
      const assigned = await first(tx, selectAssigned, of);
      const candidates = await tx.all(selectCandidates, { group });
      const agentId =
        to === null ? choose(candidates, topic, holder, assigned) : check(candidates, topic, to);
      const generation =
        assigned?.pinned === true && assigned.agentId === agentId
          ? await first(tx, selectGeneration, { group })
          : await this.write(tx, { ...of, agentId });
      return { generation: generation ?? 0, to: agentId, holder, epoch: lease.epoch };
    });
  }

  private async write(tx: SqlRunner, move: OfPartition & { agentId: string }): Promise<number | undefined> {
    // Deleted while its lease was waited for.
    if (!(await first(tx, assignByOperator, move))) throw noSuchPartition(move.topic, move.partition);
    return first(tx, raiseGeneration, { group: this.group });
  }
}

/** The agent that the operator named. Refuses: `not_found`, `conflict`. */
function check(candidates: readonly Candidate[], topic: string, agentId: string): string {
  const named = candidates.find((each) => each.agentId === agentId);
  if (!named) throw new Refusal('not_found', `agent "${agentId}" does not exist`);
  const { state, isOpen, managedTopics } = named;
  if (state === 'dead') {
    throw new Refusal('conflict', `agent "${agentId}" has no live session; start it, or name another`);
  }
  if (!isOpen) {
    throw new Refusal(
      'conflict',
      `agent "${agentId}" takes nothing new now (${state}); name another, or change that first`,
    );
  }
  if (!listsTopic(managedTopics, topic)) {
    throw new Refusal(
      'conflict',
      `agent "${agentId}" is not willing to lead topic "${topic}" (MANAGED_TOPICS: ${managedTopics.join(', ')})`,
    );
  }
  return agentId;
}

/** The least loaded for its weight that can take it and is not where the partition is now. Refuses: `conflict`. */
function choose(
  candidates: readonly Candidate[],
  topic: string,
  holder: string | null,
  assigned: Assigned | undefined,
): string {
  const isNowAt = holder ?? assigned?.agentId;
  const fit = candidates.filter(
    ({ agentId, isOpen, state, managedTopics }) =>
      agentId !== isNowAt && isOpen && state !== 'expired' && listsTopic(managedTopics, topic),
  );
  // On its way already, by the same request sent before: a repetition must not send it on to a third.
  if (assigned?.pinned === true && fit.some(({ agentId }) => agentId === assigned.agentId))
    return assigned.agentId;
  const share = ({ load, weight }: Candidate): number => (load + 1) / weight;
  const [best] = fit.toSorted((a, b) => share(a) - share(b));
  if (best) return best.agentId;
  throw new Refusal(
    'conflict',
    `no other agent can take a partition of topic "${topic}" now; start or uncordon one`,
  );
}
