// The era row: the history of the database that epochs belong to. Every grant reads it (`epochAfter`).
import { sql } from 'drizzle-orm';
import type { Era } from '../metadata-store.ts';
import { readNumber, readTime } from './read.ts';
import { nothing, type NoParameters, type Row, statement } from './statement.ts';

function readEra(row: Row): Era {
  return { number: readNumber(row, 'number'), since: readTime(row, 'since_ms') };
}

export const selectEra = statement<NoParameters, Era>(
  'select_era',
  (d) => sql`select number, ${d.timeMs(sql`since`)} as since_ms from ${d.table('era')}`,
  readEra,
);

/**
 * Opens a new era, above the store's own and above `above`: every grant from its commit on has an epoch higher than all of
 * them. It says nothing to sessions and leases; who opens one sees to it that none are alive, or ends them in the same
 * transaction.
 */
export const openEra = statement<{ above: number }, Era>(
  'open_era',
  (d) => sql`update ${d.table('era')}
    set number = ${d.greatest(sql`number`, d.parameter('above', 'bigint'))} + 1, since = ${d.now}
    returning number, ${d.timeMs(sql`since`)} as since_ms`,
  readEra,
);

/** Where the era's data come from, as the server says it now. */
export const noteHistory = statement<{ systemIdentifier: string | null; timeline: number | null }>(
  'note_history',
  (d) => sql`update ${d.table('era')} set system_identifier = ${d.parameter('systemIdentifier', 'bigint')},
    timeline = ${d.parameter('timeline', 'bigint')}`,
  nothing,
);
