// The era row: the history of the database that epochs belong to. Every grant reads it (`epochAfter`), and everything that lets an agent
// write, or believe, compares it with the server's own (`inHistory`).
import { type SQL, sql } from 'drizzle-orm';
import type { HistoryPoint } from '../../domain/history.ts';
import type { Era } from '../metadata-store.ts';
import type { Dialect } from './dialect.ts';
import { readBoolean, readNumber, readNumberOrNull, readTextOrNull, readTime } from './read.ts';
import { nothing, type NoParameters, type Row, statement } from './statement.ts';

function readEra(row: Row): Era {
  return {
    number: readNumber(row, 'number'),
    since: readTime(row, 'since_ms'),
    quarantineMs: readNumber(row, 'quarantine_ms'),
    quarantineRestMs: Math.max(0, readNumber(row, 'quarantine_rest_ms')),
  };
}

/** Of the era row at hand. A database clock that stands further from the opening than the quarantine is long, on either side, says nothing. */
function quarantineRest(d: Dialect): SQL {
  const sinceMs = d.msBetween(sql`since`, d.now);
  return sql`case when ${sinceMs} > -quarantine_ms then quarantine_ms - ${sinceMs} else 0 end`;
}

function eraColumns(d: Dialect): SQL {
  return sql`number, ${d.timeMs(sql`since`)} as since_ms, quarantine_ms, ${quarantineRest(d)} as quarantine_rest_ms`;
}

export const selectEra = statement<NoParameters, Era>(
  'select_era',
  (d) => sql`select ${eraColumns(d)} from ${d.table('era')}`,
  readEra,
);

/** Whether the era was opened on the server's history. What either does not say is no difference. */
const isOfEra = sql`coalesce(cast(era.system_identifier as text) = server.system_identifier and era.timeline = server.timeline, true)`;

/** Whether the server's data are of the history that the era row names: a subquery, evaluated once in its statement. */
export function inHistory(d: Dialect): SQL {
  return sql`(select ${isOfEra} from ${d.table('era')} as era cross join ${d.history} as server)`;
}

/** A row source of one row, the moment of history at which its statement is executed. Its columns begin with `era_`. */
export function historyPoint(d: Dialect): SQL {
  return sql`(select era.number as era_number, ${isOfEra} as era_is_own, server.system_identifier as era_system,
      server.timeline as era_timeline, server.position as era_position
    from ${d.table('era')} as era cross join ${d.history} as server)`;
}

export function readHistoryPoint(row: Row): HistoryPoint {
  return {
    era: readNumber(row, 'era_number'),
    isOfEra: readBoolean(row, 'era_is_own'),
    systemIdentifier: readTextOrNull(row, 'era_system'),
    timeline: readNumberOrNull(row, 'era_timeline'),
    position: readNumberOrNull(row, 'era_position'),
  };
}

export const selectHistoryPoint = statement<NoParameters, HistoryPoint>(
  'select_history_point',
  (d) => sql`select point.* from ${historyPoint(d)} as point`,
  readHistoryPoint,
);

/** Milliseconds until leases may be granted to anybody again, 0 or less when they may: a subquery. */
export function quarantineRestMs(d: Dialect): SQL {
  return sql`(select ${quarantineRest(d)} from ${d.table('era')})`;
}

/**
 * Opens a new era, above the store's own and above `above`: every grant from its commit on has an epoch higher than all of
 * them. It says nothing to sessions and leases; who opens one sees to it that none are alive, or ends them in the same
 * transaction.
 */
export const openEra = statement<{ above: number; quarantineMs: number }, Era>(
  'open_era',
  (d) => sql`update ${d.table('era')}
    set number = ${d.greatest(sql`number`, d.parameter('above', 'bigint'))} + 1, since = ${d.now},
      quarantine_ms = ${d.parameter('quarantineMs', 'integer')}
    returning ${eraColumns(d)}`,
  readEra,
);

/** From now on the era's history is the server's own. */
export const noteHistory = statement(
  'note_history',
  (
    d,
  ) => sql`update ${d.table('era')} set system_identifier = (select cast(server.system_identifier as bigint) from ${d.history} as server),
    timeline = (select server.timeline from ${d.history} as server)`,
  nothing,
);
