// What operators ask of balancing: to pause, and to apply a plan. Both are states of the group's row, and both raise its
// generation, so that the coordinator reads them.
import { type SQL, sql } from 'drizzle-orm';
import type { AssignmentStore, RebalanceState } from '../assignments.ts';
import { type ByGroup, ensureAgentGroup } from './agent-group.ts';
import { first, type SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import { readNumber, readTime, readTimeOrNull } from './read.ts';
import { nothing, statement } from './statement.ts';

type Rebalance = RebalanceState & { readonly generation: number };

export const selectRebalance = statement<ByGroup, Rebalance>(
  'select_rebalance',
  (d) => sql`select g.assignment_generation, ${d.timeMs(sql`g.paused_at`)} as paused_at_ms,
      case when g.applied_at is null or g.applied_at < g.apply_requested_at
        then ${d.timeMs(sql`g.apply_requested_at`)} end as apply_requested_at_ms
    from ${d.table('agent_groups')} g where g.group_name = ${d.parameter('group', 'text')}`,
  (row) => ({
    generation: readNumber(row, 'assignment_generation'),
    pausedSince: readTimeOrNull(row, 'paused_at_ms'),
    applyRequestedAt: readTimeOrNull(row, 'apply_requested_at_ms'),
  }),
);

/** Of a group that nobody has said anything of. */
export const untouched: Rebalance = { generation: 0, pausedSince: null, applyRequestedAt: null };

/** The group's last request to apply, carried out or not: a subquery. */
export function applyRequest(d: Dialect): SQL {
  return sql`(select g.apply_requested_at from ${d.table('agent_groups')} g
    where g.group_name = ${d.parameter('group', 'text')})`;
}

/** Whether an operator put the partition where the assignment `n` has it, and has not asked since for a plan without pins. */
export function isPin(d: Dialect): SQL {
  return sql`(n.reason = 'operator' and coalesce(n.assigned_at >= ${applyRequest(d)}, true))`;
}

const pause = statement<ByGroup>(
  'pause',
  (d) => sql`update ${d.table('agent_groups')}
    set paused_at = ${d.now}, assignment_generation = assignment_generation + 1
    where group_name = ${d.parameter('group', 'text')} and paused_at is null`,
  nothing,
);

const resume = statement<ByGroup>(
  'resume',
  (d) => sql`update ${d.table('agent_groups')}
    set paused_at = null, assignment_generation = assignment_generation + 1
    where group_name = ${d.parameter('group', 'text')} and paused_at is not null`,
  nothing,
);

/**
 * A millisecond ahead, so that it is later than every pin there is, and at least one after the request before, so that the two
 * differ in the milliseconds in which moments are told.
 */
const requestApply = statement<ByGroup, { readonly generation: number; readonly applyRequestedAt: Date }>(
  'request_apply',
  (d) => {
    const soon = d.plusMs(d.now, sql`1`);
    const afterLast = d.plusMs(sql`apply_requested_at`, sql`1`);
    return sql`update ${d.table('agent_groups')}
      set apply_requested_at = ${d.greatest(soon, sql`coalesce(${afterLast}, ${soon})`)},
        assignment_generation = assignment_generation + 1
      where group_name = ${d.parameter('group', 'text')}
      returning assignment_generation, ${d.timeMs(sql`apply_requested_at`)} as apply_requested_at_ms`;
  },
  (row) => ({
    generation: readNumber(row, 'assignment_generation'),
    applyRequestedAt: readTime(row, 'apply_requested_at_ms'),
  }),
);

/** A request that came after `appliedMs` is another, and stays. */
export const noteApplied = statement<ByGroup & { appliedMs: number }>(
  'note_applied',
  (d) => sql`update ${d.table('agent_groups')} set applied_at = apply_requested_at
    where group_name = ${d.parameter('group', 'text')}
      and ${d.timeMs(sql`apply_requested_at`)} = ${d.parameter('appliedMs', 'bigint')}`,
  nothing,
);

export class SqlRebalance implements Pick<AssignmentStore, 'readRebalance' | 'setPaused' | 'requestApply'> {
  private readonly db: SqlDatabase;
  private readonly group: string;

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  async readRebalance(): Promise<Rebalance> {
    return (await first(this.db, selectRebalance, { group: this.group })) ?? untouched;
  }

  async setPaused(paused: boolean): Promise<RebalanceState> {
    const { group } = this;
    const { pausedSince, applyRequestedAt } = await this.db.transaction(async (tx) => {
      await tx.all(ensureAgentGroup, { group });
      await tx.all(paused ? pause : resume, { group });
      return (await first(tx, selectRebalance, { group })) ?? untouched;
    });
    return { pausedSince, applyRequestedAt };
  }

  async requestApply(): Promise<{ readonly generation: number; readonly applyRequestedAt: Date }> {
    const { group } = this;
    return this.db.transaction(async (tx) => {
      await tx.all(ensureAgentGroup, { group });
      const requested = await first(tx, requestApply, { group });
      if (!requested) throw new Error("a group's row vanished");
      return requested;
    });
  }
}
