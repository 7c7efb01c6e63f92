// Fenced appends: those that come together go to the database together, each under its own fence; and what it means when one did not go
// through.
import { sql } from 'drizzle-orm';
import { Refusal } from '../../domain/refusal.ts';
import { firstDiscontinuity, type NewSegment, sameSegment, type Segment } from '../../domain/segment.ts';
import type { Joining } from '../../platform/joining.ts';
import type { AppendAnswer } from '../segments.ts';
import { ConstraintViolation, type SqlDatabase } from './database.ts';
import type { EraWatch } from './era-watch.ts';
import type { FencedAppend, FencedTarget, FencedWrites } from './fence.ts';
import type { StoreJoining } from './joining.ts';
import { partitionState, refuseByFence } from './partition-state.ts';
import {
  type InPartition,
  inPartition,
  readStoredSegment,
  segmentColumns,
  type StoredSegment,
} from './segment-rows.ts';
import { statement } from './statement.ts';

const selectSegmentsById = statement<InPartition & { ids: { id: string }[] }, StoredSegment>(
  'select_segments_by_id',
  (d) => sql`select ${segmentColumns(d)} from ${d.table('segments')} s
    where ${inPartition(d)} and s.segment_id in (select id from ${d.rows('ids', { id: 'text' })} as w)`,
  readStoredSegment,
);

/** How often a write is tried again when what refused it has changed before the reason could be read. */
const attemptsMax = 5;

export class Appends {
  private readonly db: SqlDatabase;
  private readonly writes: FencedWrites;
  private readonly eras: EraWatch;
  private readonly lanes: StoreJoining['lanes'];
  private readonly joining: Joining<FencedAppend, AppendAnswer>;

  constructor(db: SqlDatabase, writes: FencedWrites, eras: EraWatch, joining: StoreJoining) {
    this.db = db;
    this.writes = writes;
    this.eras = eras;
    this.lanes = joining.lanes;
    this.joining = joining.of({
      keysOf: ({ target }) => [`${target.topic}/${target.partition}`],
      weightOf: ({ segments }) => segments.length,
      // Each begins where the one before has ended: that is compared with what the one before has committed.
      sharesKeys: false,
      together: (items) => this.appendTogether(items),
      apart: (item, wasTried) => this.appendApart(item, wasTried),
    });
  }

  /** As `SegmentStore.appendSegments`. */
  async append(target: FencedTarget, segments: readonly NewSegment[]): Promise<AppendAnswer> {
    // Before anything is written: an empty run has no place in the partition.
    if (segments.length === 0) throw new Refusal('invalid', 'there is no segment in the request');
    const broken = firstDiscontinuity(segments);
    if (broken !== undefined) {
      throw new Refusal('invalid', `segment ${broken} of the request does not continue the one before it`);
    }
    const ids = new Set(segments.map((segment) => segment.id));
    if (ids.size !== segments.length)
      throw new Refusal('invalid', 'a segment id stands twice in the request');
    return this.joining.run({ target, segments });
  }

  private async appendTogether(
    items: readonly FencedAppend[],
  ): Promise<readonly (AppendAnswer | undefined)[]> {
    const answers = await this.writes.appendTogether(items);
    return answers.map((appended) => appended && appendedAnswer(appended));
  }

  /** `wasTried`: together with others, which did nothing. It may stand against a lock, and waits for that here; or the reason is read. */
  private async appendApart(item: FencedAppend, wasTried: boolean): Promise<AppendAnswer> {
    const { target, segments } = item;
    let pending = segments;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const appended =
        attempt === 0 && wasTried ? undefined : await this.lanes.run(() => this.tryAppend(target, pending));
      if (appended && pending === segments) return appendedAnswer(appended);
      await this.eras.settle();
      const now = await this.whyNotAppended(target, segments);
      if (now.outcome !== 'again') return appended ? { ...now, outcome: 'appended' } : now;
      pending = now.pending;
    }
    const { topic, partition } = target;
    throw new Refusal('conflict', `partition ${topic}/${partition} is changing too fast; ask again`);
  }

  private async tryAppend(
    target: FencedTarget,
    segments: readonly NewSegment[],
  ): Promise<readonly Segment[] | undefined> {
    try {
      return await this.writes.append(target, segments);
    } catch (error) {
      // A known id: which one, and whether it says the same, is read next.
      if (error instanceof ConstraintViolation && error.kind === 'unique') return undefined;
      throw error;
    }
  }

  /** Idempotency first, then the fence, then contiguity; answers what is still to be written when nothing stands against it now. */
  private async whyNotAppended(
    target: FencedTarget,
    segments: readonly NewSegment[],
  ): Promise<
    | (AppendAnswer & { readonly outcome: 'already' })
    | { readonly outcome: 'again'; readonly pending: readonly NewSegment[] }
  > {
    const { topic, partition } = target;
    const state = await partitionState(this.db, target.group, topic, partition);
    const ids = segments.map(({ id }) => ({ id }));
    const rows = await this.db.all(selectSegmentsById, { topicId: state.topicId, partition, ids });
    const stored = new Map(rows.map((row) => [row.id, { ...row, topic }]));
    const pending: NewSegment[] = [];
    for (const segment of segments) {
      const known = stored.get(segment.id);
      if (!known) pending.push(segment);
      else if (!sameSegment(known, segment)) {
        throw new Refusal('already_exists', `segment id "${segment.id}" is stored with other content`);
      }
    }
    const next = pending[0];
    if (!next) {
      const all = segments.flatMap((segment) => stored.get(segment.id) ?? []);
      // The state was read before the ids: an append that came between would make its watermark too low.
      const highWatermark = Math.max(state.highWatermark, (all.at(-1)?.endOffset ?? -1) + 1);
      return { outcome: 'already', segments: all, highWatermark };
    }
    refuseByFence(state, target, { committed: false });
    const { highWatermark } = state;
    if (next.baseOffset > highWatermark) {
      throw new Refusal(
        'offset_gap',
        `the next segment of ${topic}/${partition} must begin at ${highWatermark}, not ${next.baseOffset}`,
        { highWatermark },
      );
    }
    if (next.baseOffset < highWatermark) {
      throw new Refusal(
        'offset_overlap',
        `offsets below ${highWatermark} of ${topic}/${partition} are taken; ${next.baseOffset} overlaps them`,
        { highWatermark },
      );
    }
    return { outcome: 'again', pending };
  }
}

function appendedAnswer(segments: readonly Segment[]): AppendAnswer {
  return { outcome: 'appended', segments, highWatermark: (segments.at(-1)?.endOffset ?? -1) + 1 };
}
