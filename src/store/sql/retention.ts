// Forgetting: what ended long ago goes, in transactions of bounded size, so that nothing waits long for any of them.
import { sql } from 'drizzle-orm';
import type { Purged, SessionStore } from '../sessions.ts';
import type { ByGroup } from './agent-group.ts';
import type { SqlDatabase } from './database.ts';
import type { Dialect } from './dialect.ts';
import { rowsOfGroup, sameKey, termKey, type TermRow, termRowColumns } from './lease-rows.ts';
import { OrphanedLeases } from './orphaned-leases.ts';
import { readNumber, readText } from './read.ts';
import { nothing, statement } from './statement.ts';

type Scope = ByGroup & { olderThanMs: number };

/** Rows that one transaction deletes at most. */
const batchSizeMax = 2_000;

function isOlder(d: Dialect, column: string) {
  return sql`${d.msBetween(sql.raw(column), d.now)} > ${d.parameter('olderThanMs', 'bigint')}`;
}

const purgeSessions = statement<Scope>(
  'purge_sessions',
  (d) => sql`delete from ${d.table('sessions')}
    where group_name = ${d.parameter('group', 'text')} and ended_at is not null and ${isOlder(d, 'ended_at')}`,
  nothing,
);

const purgeAgents = statement<Scope, true>(
  'purge_agents',
  (d) => sql`delete from ${d.table('agents')} as a
    where a.group_name = ${d.parameter('group', 'text')} and ${isOlder(d, 'a.registered_at')}
      and not exists (select 1 from ${d.table('sessions')} s where s.group_name = a.group_name and s.agent_id = a.agent_id)
    returning 1 as purged`,
  () => true,
);

/** In key order behind the one given, so that all of them together read the history once. */
const selectOldTerms = statement<Scope & TermRow & { limit: number }, TermRow>(
  'select_old_terms',
  (d) => sql`select h.kind, h.name, h.partition, h.epoch from ${d.table('lease_history')} h
    where h.group_name = ${d.parameter('group', 'text')} and h.ended_at is not null and ${isOlder(d, 'h.ended_at')}
      and (h.kind, h.name, h.partition, h.epoch) > (${d.parameter('kind', 'text')}, ${d.parameter('name', 'text')},
        ${d.parameter('partition', 'integer')}, ${d.parameter('epoch', 'bigint')})
    order by h.kind, h.name, h.partition, h.epoch limit ${d.parameter('limit', 'integer')}`,
  (row) => ({
    kind: readText(row, 'kind'),
    name: readText(row, 'name'),
    partition: readNumber(row, 'partition'),
    epoch: readNumber(row, 'epoch'),
  }),
);

const deleteTerms = statement<ByGroup & { terms: TermRow[] }, true>(
  'delete_terms',
  (d) => sql`delete from ${d.table('lease_history')}
    where ${d.isFound(
      'h',
      termKey,
      sql`from ${rowsOfGroup(d, 'terms', termRowColumns)} as w
        ${d.lookUp('lease_history', 'h', sql`${sameKey('h', 'w')} and h.epoch = w.epoch`)}`,
    )}
    returning 1 as deleted`,
  () => true,
);

export class SqlRetention implements Pick<SessionStore, 'purge'> {
  private readonly db: SqlDatabase;
  private readonly group: string;

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  async purge(olderThanMs: number): Promise<Purged> {
    const scope = { group: this.group, olderThanMs };
    await this.db.all(purgeSessions, scope);
    const agents = await this.db.all(purgeAgents, scope);
    const historyRows = await this.purgeHistory(scope);
    // What has no history now has been free for so long.
    const leases = await new OrphanedLeases(this.db, this.group).purge(batchSizeMax);
    return { agents: agents.length, historyRows, leases };
  }

  private async purgeHistory(scope: Scope): Promise<number> {
    let after: TermRow = { kind: '', name: '', partition: -1, epoch: -1 };
    for (let deleted = 0; ;) {
      const terms = await this.db.all(selectOldTerms, { ...scope, ...after, limit: batchSizeMax }, 'large');
      const last = terms.at(-1);
      if (!last) return deleted;
      deleted += (await this.db.all(deleteTerms, { group: scope.group, terms }, 'large')).length;
      after = last;
    }
  }
}
