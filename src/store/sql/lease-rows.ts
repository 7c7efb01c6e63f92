// How lease keys stand in rows and parameters: kind, name and partition number (0 for a role).
import { type SQL, sql } from 'drizzle-orm';
import { type LeaseKey, partitionKey, roleKey } from '../../domain/lease.ts';
import type { Dialect } from './dialect.ts';
import { readNumber, readText } from './read.ts';
import type { Row } from './statement.ts';

export type LeaseRow = { kind: string; name: string; partition: number };
export type TermRow = LeaseRow & { epoch: number };

/** A lease that is asked for. `reclaimed`, 1 or 0: by whom it was trusted when the era was opened that is named with it. */
export type WantedRow = LeaseRow & { reclaimed: number };

export const leaseRowColumns = { kind: 'text', name: 'text', partition: 'integer' } as const;
export const wantedRowColumns = { ...leaseRowColumns, reclaimed: 'integer' } as const;
export const termRowColumns = { ...leaseRowColumns, epoch: 'bigint' } as const;

export function leaseRow(key: LeaseKey): LeaseRow {
  return key.kind === 'partition'
    ? { kind: 'partition', name: key.topic, partition: key.partition }
    : { kind: 'role', name: key.name, partition: 0 };
}

/** Whether two row sources name the same lease of one group. */
export const sameKey = (a: string, b: string): SQL =>
  sql.raw(`${a}.kind = ${b}.kind and ${a}.name = ${b}.name and ${a}.partition = ${b}.partition`);

export function leaseKeyOf({ kind, name, partition }: LeaseRow): LeaseKey {
  return kind === 'role' ? roleKey(name) : partitionKey(name, partition);
}

/** The session that the lease of partition `p` of topic `t` names: a subquery. */
export function leaseHolder(d: Dialect): SQL {
  return sql`select l.session_id from ${d.table('leases')} l where l.group_name = t.group_name
    and l.kind = 'partition' and l.name = t.name and l.partition = p.partition`;
}

export function readLeaseKey(row: Row): LeaseKey {
  const [kind, name] = [readText(row, 'kind'), readText(row, 'name')];
  return leaseKeyOf({ kind, name, partition: readNumber(row, 'partition') });
}
