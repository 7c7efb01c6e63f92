// The commit of offsets, one statement and one round trip for any number of them.
import { sql } from 'drizzle-orm';
import type { SqlDatabase } from '../sql/database.ts';
import type { Dialect } from '../sql/dialect.ts';
import {
  type CommitRow,
  commitRowColumns,
  type CommitState,
  type OffsetWrites,
} from '../sql/offset-writes.ts';
import { readNumber, readNumberOrNull, readTimeOrNull } from '../sql/read.ts';
import { type Row, statement } from '../sql/statement.ts';

const key = sql.raw('consumer_group, topic_id, partition');

/** Of row `r`, the offset that is stored for it (as `o`). */
function storedOffset(d: Dialect) {
  return sql`o.group_name = ${d.parameter('group', 'text')} and o.consumer_group = r.consumer_group
    and o.topic_id = r.topic_id and o.partition = r.partition`;
}

/**
 * Judges each row with the high watermark of the statement's snapshot, then locks what is stored, in key order, and then writes.
 * Subqueries where joins would read better: each is one look by key, whatever the planner believes of the tables.
 */
function commitStatement(d: Dialect, locked: '' | 'skip locked') {
  return sql`
    with judged as materialized (
      select w.*, (select p.high_watermark from ${d.table('partitions')} p
        where p.topic_id = w.topic_id and p.partition = w.partition) as high_watermark
      from (select c.*, (select t.topic_id from ${d.table('topics')} t
          where t.group_name = ${d.parameter('group', 'text')} and t.name = c.topic) as topic_id
        from ${d.rows('commits', commitRowColumns)} as c) as w
    ), good as materialized (
      select r.*, exists (select 1 from ${d.table('committed_offsets')} o where ${storedOffset(d)}) as is_stored
      from judged r
      where r.request not in (select request from judged where high_watermark is null or committed > high_watermark)
    ), locked as materialized (
      select o.consumer_group, o.topic_id, o.partition
      from good r join ${d.table('committed_offsets')} o on ${storedOffset(d)}
      order by o.consumer_group, o.topic_id, o.partition
      for no key update of o ${sql.raw(locked)}
    ), ready as materialized (
      -- Somebody has the others' rows, or they have gone since the snapshot.
      select r.* from good r
      where r.request not in (select request from good where is_stored and (${key}) not in (select ${key} from locked))
    ), made as (
      insert into ${d.table('consumer_groups')} (group_name, consumer_group)
      select distinct ${d.parameter('group', 'text')}, r.consumer_group from ready r order by 2
      on conflict do nothing
    ), written as (
      insert into ${d.table('committed_offsets')}
        (group_name, consumer_group, topic_id, partition, committed_offset, metadata, committed_at)
      select distinct on (${key}) ${d.parameter('group', 'text')}, ${key}, committed, metadata, ${d.now}
      from ready order by ${key}, place desc
      on conflict (group_name, consumer_group, topic_id, partition) do update
        set committed_offset = excluded.committed_offset, metadata = excluded.metadata, committed_at = excluded.committed_at
      returning ${key}, committed_at
    )
    select j.place, j.high_watermark, ${d.timeMs(sql`w.committed_at`)} as committed_at_ms
    from judged j
    left join ready r on r.place = j.place
    left join written w on w.consumer_group = r.consumer_group and w.topic_id = r.topic_id and w.partition = r.partition`;
}

function readState(row: Row): CommitState {
  return {
    place: readNumber(row, 'place'),
    highWatermark: readNumberOrNull(row, 'high_watermark'),
    committedAt: readTimeOrNull(row, 'committed_at_ms'),
  };
}

type Commits = { group: string; commits: CommitRow[] };

const commitInTurn = statement<Commits, CommitState>(
  'commit_offsets',
  (d) => commitStatement(d, ''),
  readState,
);

const commitTogether = statement<Commits, CommitState>(
  'commit_offsets_together',
  (d) => commitStatement(d, 'skip locked'),
  readState,
);

export class PostgresOffsetWrites implements OffsetWrites {
  private readonly db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.db = db;
  }

  async commit(
    group: string,
    rows: readonly CommitRow[],
    locked: 'wait' | 'skip locked',
  ): Promise<readonly CommitState[]> {
    const statement = locked === 'wait' ? commitInTurn : commitTogether;
    return this.db.all(statement, { group, commits: [...rows] });
  }
}
