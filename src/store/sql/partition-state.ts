// Where a partition's log ends and who leads it, read to say why a write under its lease did not go through.
import { Refusal, type RefusalFacts } from '../../domain/refusal.ts';
import { sql } from 'drizzle-orm';
import { first, type SqlDatabase } from './database.ts';
import type { FencedTarget } from './fence.ts';
import { readBoolean, readNumber, readTextOrNull } from './read.ts';
import { statement } from './statement.ts';
import { noSuchPartition } from './topics.ts';

export interface PartitionState {
  readonly topicId: number;
  readonly highWatermark: number;
  readonly startOffset: number;
  readonly epoch: number;
  /** The session the lease names, whether or not it lives. */
  readonly sessionId: string | null;
  readonly sessionLive: boolean;
  readonly holder: string | null;
}

type PartitionName = { group: string; topic: string; partition: number };

const selectPartitionState = statement<PartitionName, PartitionState>(
  'select_partition_state',
  (d) => sql`select p.topic_id, p.high_watermark, p.start_offset, l.epoch, l.session_id,
      s.session_id is not null as session_live, s.agent_id
    from ${d.table('topics')} t
    join ${d.table('partitions')} p on p.topic_id = t.topic_id
    join ${d.table('leases')} l on l.group_name = t.group_name and l.kind = 'partition' and l.name = t.name
      and l.partition = p.partition
    left join ${d.table('sessions')} s on s.session_id = l.session_id and s.ended_at is null
    where t.group_name = ${d.parameter('group', 'text')} and t.name = ${d.parameter('topic', 'text')}
      and p.partition = ${d.parameter('partition', 'integer')}`,
  (row) => ({
    topicId: readNumber(row, 'topic_id'),
    highWatermark: readNumber(row, 'high_watermark'),
    startOffset: readNumber(row, 'start_offset'),
    epoch: readNumber(row, 'epoch'),
    sessionId: readTextOrNull(row, 'session_id'),
    sessionLive: readBoolean(row, 'session_live'),
    holder: readTextOrNull(row, 'agent_id'),
  }),
);

/** Refuses: `not_found`. */
export async function partitionState(
  db: SqlDatabase,
  group: string,
  topic: string,
  partition: number,
): Promise<PartitionState> {
  const state = await first(db, selectPartitionState, { group, topic, partition });
  if (!state) throw noSuchPartition(topic, partition);
  return state;
}

/** Throws the refusal that the lease's state means for a write under `target.fence`, or returns when none stands against it. */
export function refuseByFence(state: PartitionState, target: FencedTarget, more: RefusalFacts = {}): void {
  const { topic, partition, fence } = target;
  const where = `${topic}/${partition}`;
  const facts = { givenEpoch: fence.epoch, currentEpoch: state.epoch, holder: state.holder };
  if (state.epoch !== fence.epoch) {
    throw new Refusal(
      'fenced',
      `the epoch of ${where} is ${state.epoch}; a write under epoch ${fence.epoch} is refused`,
      { ...facts, ...more },
    );
  }
  if (state.sessionId !== fence.sessionId || state.sessionId === null) {
    const holder = state.holder ?? 'nobody';
    throw new Refusal('no_lease', `${where} is led by ${holder} at this epoch, not by this agent`, facts);
  }
  if (!state.sessionLive) {
    throw new Refusal('session_lost', `the session that led ${where} has ended`, facts);
  }
}
