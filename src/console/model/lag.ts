// How far a consumer group is behind the logs it reads.
import type { CommittedOffsetAnswer } from '../../http/schemas/answers/groups.ts';
import type { PartitionAnswer } from '../../http/schemas/answers/topics.ts';
import { type Api, pathOf } from './api.ts';
import { placeOf } from './happenings.ts';
import { readAll } from './read-all.ts';

export interface OffsetWithLag extends CommittedOffsetAnswer {
  /** null when the partition is gone. */
  readonly highWatermark: number | null;
  readonly lag: number | null;
}

export async function readLag(
  api: Api,
  group: string,
  signal: AbortSignal,
): Promise<readonly OffsetWithLag[]> {
  const offsets = await readAll<CommittedOffsetAnswer>(api, `v1/groups/${pathOf(group)}`, 'offsets', signal);
  const ends = new Map<string, number>();
  // One after the other: a group of many topics must not be a burst of questions.
  for (const topic of new Set(offsets.map(({ topic }) => topic))) {
    const path = `v1/topics/${pathOf(topic)}/partitions`;
    const partitions = await readAll<PartitionAnswer>(api, path, 'partitions', signal);
    for (const partition of partitions) ends.set(placeOf(partition), partition.highWatermark);
  }
  return withLag(offsets, ends);
}

/** `ends`: high watermarks by `topic/partition`. */
export function withLag(
  offsets: readonly CommittedOffsetAnswer[],
  ends: ReadonlyMap<string, number>,
): readonly OffsetWithLag[] {
  return offsets.map((each) => {
    const highWatermark = ends.get(placeOf(each)) ?? null;
    // The offset was read first: the log may have grown meanwhile, never shrunk.
    return {
      ...each,
      highWatermark,
      lag: highWatermark === null ? null : Math.max(0, highWatermark - each.offset),
    };
  });
}
