// Leases of deleted topics: removed when their history has gone, leaving an epoch floor for each name. src/domain/README.md,
// "Release, session end, deletion", says why no epoch is ever granted twice.
import { sql } from 'drizzle-orm';
import type { ByGroup } from './agent-group.ts';
import type { SqlDatabase, SqlRunner } from './database.ts';
import { rowsOfGroup } from './lease-rows.ts';
import { readNumber, readText } from './read.ts';
import { nothing, type Row, statement } from './statement.ts';

type Orphan = { name: string; partition: number; epoch: number };
type Orphans = { leases: Orphan[] };

const orphanColumns = { name: 'text', partition: 'integer', epoch: 'bigint' } as const;

const isWanted = sql`l.group_name = w.group_name and l.kind = 'partition' and l.name = w.name and l.partition = w.partition`;

function readOrphan(row: Row): Orphan {
  return {
    name: readText(row, 'name'),
    partition: readNumber(row, 'partition'),
    epoch: readNumber(row, 'epoch'),
  };
}

interface Reservation {
  readonly topicId: number;
  readonly name: string;
}

/** In key order behind the one given, with the epoch that was judged. */
const selectOrphans = statement<ByGroup & { name: string; partition: number; limit: number }, Orphan>(
  'select_orphaned_leases',
  (d) => sql`select l.name, l.partition, l.epoch from ${d.table('leases')} l
    where l.group_name = ${d.parameter('group', 'text')} and l.kind = 'partition'
      and (l.name, l.partition) > (${d.parameter('name', 'text')}, ${d.parameter('partition', 'integer')})
      and not exists (select 1 from ${d.table('topics')} t where t.group_name = l.group_name and t.name = l.name)
      and not exists (select 1 from ${d.table('sessions')} s where s.session_id = l.session_id and s.ended_at is null)
      and not exists (select 1 from ${d.table('lease_history')} h where h.group_name = l.group_name and h.kind = l.kind
        and h.name = l.name and h.partition = l.partition)
    order by l.name, l.partition limit ${d.parameter('limit', 'integer')}`,
  readOrphan,
);

/**
 * Answers the names that no topic has and that none gets before our commit; waits for one that is being created or purged. In name
 * order, so that two purges never wait for each other.
 */
const reserveNames = statement<ByGroup & { names: { name: string }[] }, Reservation>(
  'reserve_topic_names',
  (d) => sql`insert into ${d.table('topics')} (group_name, name, partition_count, config)
    select ${d.parameter('group', 'text')}, w.name, 1, '{}' from ${d.rows('names', { name: 'text' })} as w
    where true order by w.name
    on conflict (group_name, name) do nothing
    returning topic_id, name`,
  (row) => ({ topicId: readNumber(row, 'topic_id'), name: readText(row, 'name') }),
);

const freeNames = statement<{ topics: { topic_id: number }[] }>(
  'free_topic_names',
  (d) => sql`delete from ${d.table('topics')}
    where topic_id in (select w.topic_id from ${d.rows('topics', { topic_id: 'bigint' })} as w)`,
  nothing,
);

/** Of leases that were judged those whose epoch is still the judged one: nobody has taken them since. */
const lockOrphans = statement<ByGroup & Orphans, Orphan>(
  'lock_orphaned_leases',
  (d) => sql`select l.name, l.partition, l.epoch from ${rowsOfGroup(d, 'leases', orphanColumns)} as w
    cross join ${d.table('leases')} l
    where ${isWanted} and l.epoch = w.epoch
    order by l.name, l.partition ${d.lock('update', 'l', 'skip locked')}`,
  readOrphan,
);

const raiseFloors = statement<ByGroup & Orphans>(
  'raise_epoch_floors',
  (d) => sql`insert into ${d.table('epoch_floors')} as f (group_name, kind, name, epoch)
    select ${d.parameter('group', 'text')}, 'partition', w.name, max(w.epoch)
    from ${d.rows('leases', orphanColumns)} as w where true group by w.name order by w.name
    on conflict (group_name, kind, name) do update set epoch = ${d.greatest(sql`f.epoch`, sql`excluded.epoch`)}`,
  nothing,
);

const deleteOrphans = statement<ByGroup & Orphans>(
  'delete_orphaned_leases',
  (d) => sql`delete from ${d.table('leases')}
    where ${d.isFound(
      'l',
      ['group_name', 'kind', 'name', 'partition'],
      sql`from ${rowsOfGroup(d, 'leases', orphanColumns)} as w ${d.lookUp('leases', 'l', isWanted)}`,
    )}`,
  nothing,
);

export class OrphanedLeases {
  private readonly db: SqlDatabase;
  private readonly group: string;

  constructor(db: SqlDatabase, group: string) {
    this.db = db;
    this.group = group;
  }

  /** Answers how many were removed, at most `batchSizeMax` in a transaction. What is locked meanwhile is left for the next time. */
  async purge(batchSizeMax: number): Promise<number> {
    const { group } = this;
    let after = { name: '', partition: -1 };
    for (let purged = 0; ;) {
      const { name, partition } = after;
      const orphans = await this.db.all(
        selectOrphans,
        { group, name, partition, limit: batchSizeMax },
        'large',
      );
      const last = orphans.at(-1);
      if (!last) return purged;
      purged += await this.db.transaction((tx) => this.remove(tx, orphans), 'large');
      after = last;
    }
  }

  private async remove(tx: SqlRunner, orphans: readonly Orphan[]): Promise<number> {
    const { group } = this;
    const names = [...new Set(orphans.map(({ name }) => name))].map((name) => ({ name }));
    const reservations = await tx.all(reserveNames, { group, names });
    const reserved = new Set(reservations.map(({ name }) => name));
    const judged = orphans.filter(({ name }) => reserved.has(name));
    const leases = await tx.all(lockOrphans, { group, leases: judged });
    await tx.all(raiseFloors, { group, leases });
    await tx.all(deleteOrphans, { group, leases });
    const topics = reservations.map(({ topicId }) => ({ topic_id: topicId }));
    await tx.all(freeNames, { topics });
    return leases.length;
  }
}
