// The commit of offsets. The transaction has the file to itself: what is judged in it stays true until its commit, and no row is locked.
import { sql } from 'drizzle-orm';
import type { SqlDatabase } from '../sql/database.ts';
import {
  type CommitRow,
  commitRowColumns,
  type CommitState,
  type OffsetWrites,
} from '../sql/offset-writes.ts';
import { readNumber, readNumberOrNull, readTime } from '../sql/read.ts';
import { nothing, statement } from '../sql/statement.ts';

type Commits = { group: string; commits: CommitRow[] };

interface Judged {
  readonly place: number;
  readonly highWatermark: number | null;
}

const judge = statement<Commits, Judged>(
  'judge_commits',
  (d) => sql`select c.place, (select p.high_watermark from ${d.table('partitions')} p
      where p.partition = c.partition and p.topic_id = (select t.topic_id from ${d.table('topics')} t
        where t.group_name = ${d.parameter('group', 'text')} and t.name = c.topic)) as high_watermark
    from ${d.rows('commits', commitRowColumns)} as c`,
  (row) => ({
    place: readNumber(row, 'place'),
    highWatermark: readNumberOrNull(row, 'high_watermark'),
  }),
);

const makeGroups = statement<Commits>(
  'make_consumer_groups',
  // WHERE, or SQLite takes ON for a join's.
  (d) => sql`insert into ${d.table('consumer_groups')} (group_name, consumer_group)
    select distinct ${d.parameter('group', 'text')}, c.consumer_group from ${d.rows('commits', commitRowColumns)} as c
    where true on conflict do nothing`,
  nothing,
);

const writeOffsets = statement<Commits, Date>(
  'write_committed_offsets',
  // In the order of the rows, so that the last for a partition stays.
  (d) => sql`insert into ${d.table('committed_offsets')}
      (group_name, consumer_group, topic_id, partition, committed_offset, metadata, committed_at)
    select ${d.parameter('group', 'text')}, c.consumer_group, (select t.topic_id from ${d.table('topics')} t
        where t.group_name = ${d.parameter('group', 'text')} and t.name = c.topic), c.partition, c.committed, c.metadata, ${d.now}
    from ${d.rows('commits', commitRowColumns)} as c
    where true order by c.place
    on conflict (group_name, consumer_group, topic_id, partition) do update
      set committed_offset = excluded.committed_offset, metadata = excluded.metadata, committed_at = excluded.committed_at
    returning committed_at as committed_at_ms`,
  (row) => readTime(row, 'committed_at_ms'),
);

export class SqliteOffsetWrites implements OffsetWrites {
  private readonly db: SqlDatabase;

  constructor(db: SqlDatabase) {
    this.db = db;
  }

  async commit(group: string, rows: readonly CommitRow[]): Promise<readonly CommitState[]> {
    return this.db.transaction(async (tx) => {
      const judged = await tx.all(judge, { group, commits: [...rows] });
      const limits = new Map(judged.map(({ place, highWatermark }) => [place, highWatermark]));
      const limitOf = ({ place }: CommitRow): number | null => limits.get(place) ?? null;
      const isRefused = (row: CommitRow): boolean => {
        const limit = limitOf(row);
        return limit === null || row.committed > limit;
      };
      const refused = new Set(rows.filter(isRefused).map(({ request }) => request));
      const commits = rows.filter(({ request }) => !refused.has(request));
      let committedAt: Date | undefined;
      if (commits.length > 0) {
        await tx.all(makeGroups, { group, commits });
        committedAt = (await tx.all(writeOffsets, { group, commits }))[0];
      }
      return rows.map((row) => ({
        place: row.place,
        highWatermark: limitOf(row),
        committedAt: refused.has(row.request) ? null : (committedAt ?? null),
      }));
    });
  }
}
