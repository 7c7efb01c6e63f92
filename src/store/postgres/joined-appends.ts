// Appends to many partitions, each under its own fence, in one statement that waits for no lock. src/domain/README.md, "The fence",
// gives the argument.
import { sql } from 'drizzle-orm';
import type { Segment } from '../../domain/segment.ts';
import type { SqlDatabase } from '../sql/database.ts';
import { inHistory } from '../sql/era.ts';
import type { FencedAppend } from '../sql/fence.ts';
import { readNumber, readTime } from '../sql/read.ts';
import {
  insertedSegmentColumns,
  segmentRow,
  type SegmentRow,
  segmentRowColumns,
} from '../sql/segment-rows.ts';
import { statement } from '../sql/statement.ts';

const appendColumns = {
  place: 'integer',
  topic: 'text',
  partition: 'integer',
  epoch: 'bigint',
  session_id: 'uuid',
  base: 'bigint',
  next: 'bigint',
} as const;

type AppendRow = { [column in keyof typeof appendColumns]: string | number };

/** A segment of the append at `place`. */
type PlacedSegmentRow = SegmentRow & { place: number };

interface Stored {
  readonly place: number;
  readonly baseOffset: number;
  readonly createdAt: Date;
}

const append = statement<{ group: string; appends: AppendRow[]; segments: PlacedSegmentRow[] }, Stored>(
  'append_segments_together',
  (d) => sql`
    with fence as materialized (
      -- As the fence of one append, for each. What somebody else has locked is left for an append that waits.
      select w.*
      from ${d.rows('appends', appendColumns)} as w
      join ${d.table('leases')} l on l.group_name = ${d.parameter('group', 'text')} and l.kind = 'partition'
        and l.name = w.topic and l.partition = w.partition
      where l.epoch = w.epoch and l.session_id = w.session_id
        and ${inHistory(d)}
        and exists (select 1 from ${d.table('sessions')} s where s.session_id = w.session_id and s.ended_at is null)
      order by l.name, l.partition
      for no key update of l skip locked
    ), free as materialized (
      select f.place, f.epoch, f.base, f.next, p.topic_id, p.partition
      from fence f
      join ${d.table('partitions')} p on p.partition = f.partition and p.topic_id = (select t.topic_id from ${d.table('topics')} t
        where t.group_name = ${d.parameter('group', 'text')} and t.name = f.topic)
      where p.high_watermark = f.base
      order by p.topic_id, p.partition
      for no key update of p skip locked
    ), moved as (
      update ${d.table('partitions')} p set high_watermark = f.next
      from free f
      where p.topic_id = f.topic_id and p.partition = f.partition and p.high_watermark = f.base
      returning p.topic_id, p.partition, f.place, f.epoch
    ), stored as (
      insert into ${d.table('segments')} (topic_id, partition, epoch, ${insertedSegmentColumns})
      select m.topic_id, m.partition, m.epoch, ${insertedSegmentColumns}
      from moved m join ${d.rows('segments', { place: 'integer', ...segmentRowColumns })} as w on w.place = m.place
      returning topic_id, partition, base_offset, created_at
    )
    select m.place, s.base_offset, ${d.timeMs(sql`s.created_at`)} as created_at_ms
    from stored s join moved m on m.topic_id = s.topic_id and m.partition = s.partition`,
  (row) => ({
    place: readNumber(row, 'place'),
    baseOffset: readNumber(row, 'base_offset'),
    createdAt: readTime(row, 'created_at_ms'),
  }),
);

/** As `FencedWrites.appendTogether`. */
export async function appendTogether(
  db: SqlDatabase,
  appends: readonly FencedAppend[],
): Promise<readonly (readonly Segment[] | undefined)[]> {
  const [first] = appends;
  if (first === undefined) return [];
  const rows = await db.all(append, {
    group: first.target.group,
    appends: appends.map(appendRow),
    segments: appends.flatMap(({ segments }, place) =>
      segments.map((segment) => ({ place, ...segmentRow(segment) })),
    ),
  });
  const times = appends.map(() => new Map<number, Date>());
  for (const { place, baseOffset, createdAt } of rows) times[place]?.set(baseOffset, createdAt);
  return appends.map((each, place) => storedSegments(each, times[place] ?? new Map()));
}

function appendRow({ target, segments }: FencedAppend, place: number): AppendRow {
  return {
    place,
    topic: target.topic,
    partition: target.partition,
    epoch: target.fence.epoch,
    session_id: target.fence.sessionId,
    base: segments[0]?.baseOffset ?? 0,
    next: (segments.at(-1)?.endOffset ?? 0) + 1,
  };
}

/** `times`: when each was stored, by its base offset; none, or all. */
function storedSegments(
  { target, segments }: FencedAppend,
  times: ReadonlyMap<number, Date>,
): readonly Segment[] | undefined {
  if (times.size === 0) return undefined;
  const { topic, partition, fence } = target;
  return segments.map((segment) => {
    const createdAt = times.get(segment.baseOffset);
    if (createdAt === undefined) throw new Error(`segment ${segment.id} of an append was not stored`);
    return { ...segment, topic, partition, epoch: fence.epoch, createdAt };
  });
}
