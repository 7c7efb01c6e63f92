// The commit of offsets, one statement and one round trip for any number of them.
import { sql } from 'drizzle-orm';
import type { SqlDatabase } from '../sql/database.ts';
import type { Dialect } from '../sql/dialect.ts';
import {
  type CommitRow,
  commitRowColumns,
  type CommitState,
  type OffsetWrites,
  type Patience,
} from '../sql/offset-writes.ts';
import { readNumber, readNumberOrNull, readTimeOrNull } from '../sql/read.ts';
import { type Row, statement } from '../sql/statement.ts';

const key = sql.raw('consumer_group, topic_id, partition');

/** How long commits that go together wait for somebody else's lock, milliseconds. */
const lockMs = 20;

/**
 * Judges each row with the high watermark of the statement's snapshot, and writes in key order. Subqueries where joins would read better:
 * each is one look by key, whatever the planner believes of the tables and of the arrays. What is stored already is
 * looked for by the constraint alone: a plan made while there was little of it would read all of it for each row.
 */
function commitStatement(d: Dialect, patience: Patience) {
  // For the rest of the transaction, which is this statement's own.
  const hurry = sql`(select set_config('lock_timeout', '${sql.raw(String(lockMs))}', true)) is not null`;
  return sql`
    with named as materialized (
      select c.*, (select t.topic_id from ${d.table('topics')} t
        where t.group_name = ${d.parameter('group', 'text')} and t.name = c.topic) as topic_id
      from ${d.rows('commits', commitRowColumns)} as c where ${patience === 'wait' ? sql`true` : hurry}
    ), judged as materialized (
      select n.*, (select p.high_watermark from ${d.table('partitions')} p
        where p.topic_id = n.topic_id and p.partition = n.partition) as high_watermark
      from named n
    ), ready as materialized (
      select * from judged
      where request not in (select request from judged where high_watermark is null or committed > high_watermark)
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
  (d) => commitStatement(d, 'wait'),
  readState,
);

const commitTogether = statement<Commits, CommitState>(
  'commit_offsets_together',
  (d) => commitStatement(d, 'hurry'),
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
    patience: Patience,
  ): Promise<readonly CommitState[]> {
    const statement = patience === 'wait' ? commitInTurn : commitTogether;
    return this.db.all(statement, { group, commits: [...rows] });
  }
}
