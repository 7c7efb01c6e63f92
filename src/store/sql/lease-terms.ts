// What a grant and a release mean, said once for both backends: which leases are free, which epoch comes next, whose term
// may be given up. How rows are locked meanwhile is each backend's own (`LeaseWrites`).
import { type SQL, sql } from 'drizzle-orm';
import { EPOCHS_PER_ERA } from '../../domain/limits.ts';
import type { Dialect } from './dialect.ts';
import { inHistory, quarantineRestMs } from './era.ts';
import {
  isThere,
  readLeaseKey,
  rowsOfGroup,
  sameKey,
  termRowColumns,
  wantedRowColumns,
} from './lease-rows.ts';
import type { GrantedLease } from './lease-writes.ts';
import { readBoolean, readNumber, readTextOrNull } from './read.ts';
import type { Row } from './statement.ts';

const session = (d: Dialect) => d.parameter('sessionId', 'uuid');

/**
 * Of the leases in parameter `leases` (as `w`) the rows (as `l`) that are free for parameter `sessionId`: their session
 * ended or is unknown, ours lives, and there is something to lead. None where the store's data are not of the era's history, and in the
 * era's quarantine only what is reclaimed in this very era, parameter `reclaimEra`. To be followed by more conditions or nothing.
 */
export function fromFreeLeases(d: Dialect): SQL {
  return sql`from ${rowsOfGroup(d, 'leases', wantedRowColumns)} as w
    ${d.lookUp('leases', 'l', sameKey('l', 'w'))}
    where ${inHistory(d)}
      and (${quarantineRestMs(d)} <= 0
        or w.reclaimed = 1 and (select number from ${d.table('era')}) = ${d.parameter('reclaimEra', 'bigint')})
      and not exists (
        select 1 from ${d.table('sessions')} s where s.session_id = l.session_id and s.ended_at is null)
      and exists (
        select 1 from ${d.table('sessions')} me where me.session_id = ${session(d)} and me.ended_at is null)
      and ${isThere(d)}`;
}

/**
 * Of the terms in parameter `terms` (as `w`) the rows (as `l`) that parameter `sessionId` still holds at that epoch. Looked
 * up by key: how much a session holds is what planners know least (`isOwn`).
 */
export function fromOwnTerms(d: Dialect): SQL {
  return sql`from ${rowsOfGroup(d, 'terms', termRowColumns)} as w
    cross join ${d.table('leases')} l
    where ${sameKey('l', 'w')} and l.epoch = w.epoch
      and ${isOwn(d)}`;
}

/**
 * Whether the lease (as `l`) names parameter `sessionId`, in words of which a planner expects half of the rows. Said with "="
 * or "is not distinct from", it expects none of a session that took all it has since the last ANALYZE, and compares each
 * of its leases with each that is asked for.
 */
export function isOwn(d: Dialect): SQL {
  return sql`coalesce(l.session_id = ${session(d)}, false)`;
}

/** The epoch of a grant that follows `epoch`: above it, and above every epoch of earlier eras. See domain/epoch.ts. */
export function epochAfter(d: Dialect, epoch: SQL): SQL {
  return d.greatest(
    sql`${epoch} + 1`,
    sql`(select number from ${d.table('era')}) * ${sql.raw(String(EPOCHS_PER_ERA))}`,
  );
}

/**
 * What a takeover writes into the record (as `h`) of the term before it: when and why its session ended. Of a purged
 * session that is known no more; its term is over now at the latest, and only what has died is ever purged.
 */
export function closeByTakeover(d: Dialect): SQL {
  const ended = (column: string) =>
    sql`(select s.${sql.raw(column)} from ${d.table('sessions')} s where s.session_id = h.session_id)`;
  return sql`ended_at = coalesce(${ended('ended_at')}, ${d.now}), end_reason = coalesce(${ended('end_reason')}, 'reaped')`;
}

/** To be followed by more conditions and `returning holdings_version`. */
export function raiseHoldings(d: Dialect): SQL {
  return sql`update ${d.table('sessions')} set holdings_version = holdings_version + 1
    where session_id = ${session(d)} and ended_at is null`;
}

/** Reads a grant from its key, epoch and, of the session that held the lease before, `agent_before`, `silent_ms` and `has_crashed`. */
export function readGrant(row: Row): GrantedLease {
  const agentId = readTextOrNull(row, 'agent_before');
  const cause = readBoolean(row, 'has_crashed') ? 'crashed' : 'reaped';
  const takenOver =
    agentId === null ? null : ({ agentId, silentMs: readNumber(row, 'silent_ms'), cause } as const);
  return { key: readLeaseKey(row), epoch: readNumber(row, 'epoch'), takenOver };
}
