// How lease keys stand in rows and parameters: kind, name and partition number (0 for a role).
import { type SQL, sql } from 'drizzle-orm';
import { type LeaseKey, partitionKey, roleKey } from '../../domain/lease.ts';
import type { Dialect, ParameterType } from './dialect.ts';
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

/**
 * The array parameter `name` as a row source (`Dialect.rows`) of leases of parameter `group`, which each row carries as `group_name`.
 * What is looked up for a row is looked up by its whole key then. By the group as a constant it could be looked up too, and to a planner that has
 * counted other groups only, all leases of this one look like none at all: it reads them all for each row.
 */
export function rowsOfGroup(d: Dialect, name: string, columns: Readonly<Record<string, ParameterType>>): SQL {
  return sql`(select ${d.parameter('group', 'text')} as group_name, u.* from ${d.rows(name, columns)} as u ${d.fence})`;
}

/**
 * Whether there is something to lead for the lease (as `l`): a role, or a partition that exists. Not by EXISTS, for which a planner that knows
 * small topics only reads the table of partitions from its start: it expects the first match soon.
 */
export function isThere(d: Dialect): SQL {
  return sql`(l.kind = 'role' or (select p.partition from ${d.table('partitions')} p
    where p.partition = l.partition and p.topic_id = (
      select t.topic_id from ${d.table('topics')} t where t.group_name = l.group_name and t.name = l.name)) is not null)`;
}

/** What names a term's record. */
export const termKey = ['group_name', 'kind', 'name', 'partition', 'epoch'] as const;

/** Whether two row sources name the same lease, the group included. */
export const sameKey = (a: string, b: string): SQL =>
  sql.raw(
    ['group_name', 'kind', 'name', 'partition']
      .map((column) => `${a}.${column} = ${b}.${column}`)
      .join(' and '),
  );

export function leaseKeyOf({ kind, name, partition }: LeaseRow): LeaseKey {
  return kind === 'role' ? roleKey(name) : partitionKey(name, partition);
}

export function readLeaseKey(row: Row): LeaseKey {
  const [kind, name] = [readText(row, 'kind'), readText(row, 'name')];
  return leaseKeyOf({ kind, name, partition: readNumber(row, 'partition') });
}
