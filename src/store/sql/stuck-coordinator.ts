// Takes the coordinator's role from a session that lives and does not coordinate. The one lease that anybody but its holder may vacate: what is
// done under it is advice, and refused as soon as it is gone.
import { sql } from 'drizzle-orm';
import { COORDINATOR } from '../../domain/lease.ts';
import type { StuckCoordinator } from '../leases.ts';
import { first, type SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import { type LeaseRow, leaseRow } from './lease-rows.ts';
import { nothing, statement } from './statement.ts';

type OfTerm = { group: string; sessionId: string; epoch: number } & LeaseRow;

function whereTerm(d: Dialect, alias: string) {
  return sql`${sql.raw(alias)}.group_name = ${d.parameter('group', 'text')} and ${sql.raw(alias)}.kind = ${d.parameter('kind', 'text')}
    and ${sql.raw(alias)}.name = ${d.parameter('name', 'text')} and ${sql.raw(alias)}.partition = ${d.parameter('partition', 'integer')}
    and ${sql.raw(alias)}.epoch = ${d.parameter('epoch', 'bigint')}
    and ${sql.raw(alias)}.session_id = ${d.parameter('sessionId', 'uuid')}`;
}

/** Waits for a plan that is being written under it. */
const lockTerm = statement<OfTerm, true>(
  'lock_stuck_term',
  (d) =>
    sql`select 1 as locked from ${d.table('leases')} l where ${whereTerm(d, 'l')} ${d.lock('update', 'l')}`,
  () => true,
);

/** The compare-and-set on the stamp. Waiting behind a heartbeat, it is judged again on what that has told. */
const tellHolder = statement<{ sessionId: string; progress: number }, true>(
  'tell_stuck_holder',
  (d) => sql`update ${d.table('sessions')} set holdings_version = holdings_version + 1
    where session_id = ${d.parameter('sessionId', 'uuid')} and ended_at is null
      and progress = ${d.parameter('progress', 'bigint')}
    returning 1 as told`,
  () => true,
);

const closeTerm = statement<OfTerm>(
  'close_stuck_term',
  (d) => sql`update ${d.table('lease_history')} as h set ended_at = ${d.now}, end_reason = 'stuck'
    where ${whereTerm(d, 'h')} and h.ended_at is null`,
  nothing,
);

const vacateTerm = statement<OfTerm>(
  'vacate_stuck_term',
  (d) =>
    sql`update ${d.table('leases')} as l set session_id = null, acquired_at = null where ${whereTerm(d, 'l')}`,
  nothing,
);

export class SqlStuckCoordinator {
  private readonly db: SqlDatabase;
  private readonly group: string;

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  async retire({ sessionId, epoch, progress }: StuckCoordinator): Promise<'retired' | 'changed'> {
    const term = { group: this.group, sessionId, epoch, ...leaseRow(COORDINATOR) };
    return this.db.transaction(async (tx) => {
      // Lease before session, as everywhere.
      if (!(await first(tx, lockTerm, term))) return 'changed';
      if (!(await first(tx, tellHolder, { sessionId, progress }))) return 'changed';
      await tx.all(closeTerm, term);
      await tx.all(vacateTerm, term);
      return 'retired';
    });
  }
}
