// What operators ask of a lease's holder. Asking changes nobody's term: only the holder, or the death of its session, frees a
// lease. Lock order: lease, then session.
import { sql } from 'drizzle-orm';
import type { LeaseKey } from '../../domain/lease.ts';
import type { LeaseStore, RequestReleaseAnswer } from '../leases.ts';
import type { SessionStore } from '../sessions.ts';
import { requestEnd } from './agents.ts';
import { first, type SqlDatabase } from './database.ts';
import { holderOf, lockAtEpoch } from './lease-lock.ts';
import { type LeaseRow, leaseRow } from './lease-rows.ts';
import { raiseHoldings } from './lease-terms.ts';
import { readText } from './read.ts';
import { nothing, statement } from './statement.ts';

/** So that the holder reads its leases anew before it trusts its session further. */
const tellHolder = statement<{ sessionId: string }, string>(
  'tell_holder',
  (d) => sql`${raiseHoldings(d)} returning agent_id`,
  (row) => readText(row, 'agent_id'),
);

const requestRelease = statement<{ group: string } & LeaseRow>(
  'request_release',
  (d) => sql`update ${d.table('leases')} set release_requested_epoch = epoch
    where group_name = ${d.parameter('group', 'text')} and kind = ${d.parameter('kind', 'text')}
      and name = ${d.parameter('name', 'text')} and partition = ${d.parameter('partition', 'integer')}`,
  nothing,
);

export class SqlLeaseRequests
  implements Pick<LeaseStore, 'requestRelease'>, Pick<SessionStore, 'requestSessionEnd'>
{
  private readonly db: SqlDatabase;
  private readonly group: string;

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  async requestRelease(key: LeaseKey, expectedEpoch: number | null): Promise<RequestReleaseAnswer> {
    const { group } = this;
    return this.db.transaction(async (tx): Promise<RequestReleaseAnswer> => {
      const lease = await lockAtEpoch(tx, group, key, expectedEpoch);
      const { epoch, sessionId } = lease;
      if (sessionId === null) return { outcome: 'vacant', epoch };
      const isAsked = lease.releaseRequestedEpoch === epoch;
      const agentId = isAsked ? await holderOf(tx, lease) : await first(tx, tellHolder, { sessionId });
      // Its session has ended: it is free for whoever comes first.
      if (agentId === null || agentId === undefined) return { outcome: 'vacant', epoch };
      if (!isAsked) await tx.all(requestRelease, { group, ...leaseRow(key) });
      return { outcome: 'asked', agentId, epoch };
    });
  }

  async requestSessionEnd(key: LeaseKey, epoch: number): Promise<string | null> {
    return this.db.transaction(async (tx) => {
      const lease = await lockAtEpoch(tx, this.group, key, null);
      const agentId = lease.epoch === epoch ? await holderOf(tx, lease) : null;
      if (lease.sessionId !== null && agentId !== null)
        await tx.all(requestEnd, { sessionId: lease.sessionId });
      return agentId;
    });
  }
}
