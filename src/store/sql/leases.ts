// Leases: who won, read in a later statement than the grant. The grant and the release themselves are each backend's own
// statements (`LeaseWrites`).
import { type SQL, sql } from 'drizzle-orm';
import { type LeaseKey, leaseKeyText, roleKey, type Term } from '../../domain/lease.ts';
import {
  type AcquireAnswer,
  type AcquireOutcome,
  type HeldLease,
  type LeaseStore,
  type Reclaim,
  type ReleaseAnswer,
  type ReleaseOutcome,
  type TermEndReason,
} from '../leases.ts';
import { first, type SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import type { LeaseWrites } from './lease-writes.ts';
import { inHistory, quarantineRestMs } from './era.ts';
import type { EraWatch } from './era-watch.ts';
import {
  type LeaseRow,
  leaseRow,
  leaseRowColumns,
  readLeaseKey,
  rowsOfGroup,
  sameKey,
} from './lease-rows.ts';
import { readBoolean, readNumber, readNumberOrNull, readTextOrNull } from './read.ts';
import { notYet, sessionLost } from './not-granted.ts';
import { nothing, statement } from './statement.ts';

interface LeaseState {
  readonly key: LeaseKey;
  readonly epoch: number;
  readonly sessionId: string | null;
  /** The agent of the live session that holds it; null when free. */
  readonly holder: string | null;
  readonly highWatermark: number | null;
  /** Whether the answer is of the era's history. */
  readonly isOfEra: boolean;
  /** Of the era's quarantine, milliseconds; 0 or less: it is over. */
  readonly quarantineRestMs: number;
}

const insertRoles = statement<{ group: string; leases: LeaseRow[] }>(
  'insert_role_leases',
  (d) => sql`insert into ${d.table('leases')} (group_name, kind, name, partition)
    select ${d.parameter('group', 'text')}, w.kind, w.name, 0 from ${d.rows('leases', leaseRowColumns)} as w
    where w.kind = 'role' order by w.name on conflict do nothing`,
  nothing,
);

/**
 * Of the partition of the lease `l`; null where there is none, as for a role. Subqueries where joins would read better: each is one look by key,
 * whatever the planner believes of tables that were filled a moment ago.
 */
function highWatermark(d: Dialect): SQL {
  return sql`(select p.high_watermark from ${d.table('partitions')} p where l.kind = 'partition' and p.partition = l.partition
    and p.topic_id = (select t.topic_id from ${d.table('topics')} t where t.group_name = l.group_name and t.name = l.name))`;
}

const selectStates = statement<{ group: string; leases: LeaseRow[] }, LeaseState>(
  'select_lease_states',
  (d) => sql`select l.kind, l.name, l.partition, l.epoch, l.session_id, s.agent_id,
      ${highWatermark(d)} as high_watermark,
      ${inHistory(d)} as is_of_era, ${quarantineRestMs(d)} as quarantine_rest_ms
    from ${rowsOfGroup(d, 'leases', leaseRowColumns)} as w
    ${d.lookUp('leases', 'l', sameKey('l', 'w'))}
    left join ${d.table('sessions')} s on s.session_id = l.session_id and s.ended_at is null`,
  (row) => ({
    key: readLeaseKey(row),
    epoch: readNumber(row, 'epoch'),
    sessionId: readTextOrNull(row, 'session_id'),
    holder: readTextOrNull(row, 'agent_id'),
    highWatermark: readNumberOrNull(row, 'high_watermark'),
    isOfEra: readBoolean(row, 'is_of_era'),
    quarantineRestMs: readNumber(row, 'quarantine_rest_ms'),
  }),
);

/** Not found either where the store's data are not of the era's history: nothing is to be believed there. */
const selectLiveSession = statement<{ sessionId: string }, number>(
  'select_holdings_version',
  (d) => sql`select s.holdings_version from ${d.table('sessions')} s
    where s.session_id = ${d.parameter('sessionId', 'uuid')} and s.ended_at is null and ${inHistory(d)}`,
  (row) => readNumber(row, 'holdings_version'),
);

const selectHeld = statement<{ sessionId: string }, HeldLease>(
  'select_held_leases',
  (d) => sql`select l.kind, l.name, l.partition, l.epoch,
      l.release_requested_epoch is not distinct from l.epoch as release_requested,
      ${highWatermark(d)} as high_watermark
    from ${d.table('leases')} l
    where l.session_id = ${d.parameter('sessionId', 'uuid')} and ${inHistory(d)} order by l.kind, l.name, l.partition`,
  (row) => ({
    key: readLeaseKey(row),
    epoch: readNumber(row, 'epoch'),
    highWatermark: readNumberOrNull(row, 'high_watermark'),
    releaseRequested: readBoolean(row, 'release_requested'),
  }),
);

export class SqlLeases implements Pick<LeaseStore, 'acquireLeases' | 'releaseLeases' | 'heldLeases'> {
  private readonly db: SqlDatabase;
  private readonly writes: LeaseWrites;
  private readonly eras: EraWatch;
  private readonly group: string;

  constructor(db: SqlDatabase, writes: LeaseWrites, eras: EraWatch, group: string) {
    this.db = db;
    this.writes = writes;
    this.eras = eras;
    this.group = group;
  }

  async acquireLeases(
    sessionId: string,
    keys: readonly LeaseKey[],
    reclaim?: Reclaim,
  ): Promise<AcquireAnswer> {
    const { group } = this;
    const wanted = keys.map((key) => ({ ...leaseRow(key), reclaimed: reclaim?.has(key) === true ? 1 : 0 }));
    const leases = keys.map(leaseRow);
    await this.ensureRoles(leases.filter((lease) => lease.kind === 'role'));
    const written = await this.writes.acquire(group, sessionId, wanted, reclaim?.era ?? null);
    const states = await this.states(leases);
    if ([...states.values()].some((state) => !state.isOfEra)) {
      // What a server of another history says we hold, somebody else may hold by now.
      await this.eras.settle();
      throw sessionLost(sessionId, 'a new era was opened');
    }
    if (written.done.length === 0 && (await first(this.db, selectLiveSession, { sessionId })) === undefined) {
      throw sessionLost(sessionId, 'it can hold no lease');
    }
    const granted = new Map(written.done.map((grant) => [leaseKeyText(grant.key), grant]));
    const outcomes = keys.map((key): AcquireOutcome => {
      const state = states.get(leaseKeyText(key));
      const grant = granted.get(leaseKeyText(key));
      if (!state || (key.kind === 'partition' && state.highWatermark === null))
        return { outcome: 'unknown', key };
      const { epoch, highWatermark } = state;
      if (state.sessionId === sessionId) {
        return grant?.epoch === epoch
          ? { outcome: 'granted', key, epoch, highWatermark, takenOver: grant.takenOver }
          : { outcome: 'already_held', key, epoch, highWatermark };
      }
      return state.holder === null
        ? notYet(key, state.quarantineRestMs, reclaim)
        : { outcome: 'held', key, epoch, holder: state.holder };
    });
    return { outcomes, holdingsVersion: written.holdingsVersion };
  }

  async releaseLeases(
    sessionId: string,
    terms: readonly Term[],
    reason: TermEndReason,
  ): Promise<ReleaseAnswer> {
    const rows = terms.map(({ key, epoch }) => ({ ...leaseRow(key), epoch }));
    const written = await this.writes.release(this.group, sessionId, rows, reason);
    const states = await this.states(rows.map(({ epoch: _, ...row }) => row));
    // What we released may have its next holder by now.
    const released = new Set(written.done.map(leaseKeyText));
    const outcomes = terms.map((term): ReleaseOutcome => {
      const state = states.get(leaseKeyText(term.key));
      const isVacant = state?.epoch === term.epoch && state.sessionId === null;
      return isVacant || released.has(leaseKeyText(term.key))
        ? { outcome: 'released', term }
        : { outcome: 'superseded', term, currentEpoch: state?.epoch ?? 0 };
    });
    return { outcomes, holdingsVersion: written.holdingsVersion };
  }

  async heldLeases(
    sessionId: string,
  ): Promise<{ readonly terms: readonly HeldLease[]; readonly holdingsVersion: number }> {
    // The version first: what changes between the two reads shows as a higher version at the next heartbeat.
    const holdingsVersion = await first(this.db, selectLiveSession, { sessionId });
    if (holdingsVersion === undefined) {
      await this.eras.settle();
      throw sessionLost(sessionId, 'it holds nothing');
    }
    return { holdingsVersion, terms: await this.db.all(selectHeld, { sessionId }) };
  }

  /** Roles have no row before their first campaign. Looks first: a losing campaign writes nothing. */
  private async ensureRoles(roles: readonly LeaseRow[]): Promise<void> {
    if (roles.length === 0) return;
    const known = await this.states(roles);
    const missing = roles.filter((role) => !known.has(leaseKeyText(roleKey(role.name))));
    if (missing.length > 0) await this.db.all(insertRoles, { group: this.group, leases: missing });
  }

  private async states(leases: readonly LeaseRow[]): Promise<ReadonlyMap<string, LeaseState>> {
    const rows = await this.db.all(selectStates, { group: this.group, leases: [...leases] });
    return new Map(rows.map((state) => [leaseKeyText(state.key), state]));
  }
}
