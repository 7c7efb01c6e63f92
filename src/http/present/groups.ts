// Consumer groups and committed offsets in answers.
import type { CommittedOffset, ConsumerGroup } from '../../store/consumer-groups.ts';
import type { CommittedOffsetAnswer, GroupAnswer } from '../schemas/answers/groups.ts';
import { time } from './times.ts';

export function presentGroup({ consumerGroup, createdAt }: ConsumerGroup): GroupAnswer {
  return { group: consumerGroup, createdAt: time(createdAt) };
}

/** `offset` is the next one to read. */
export function presentOffset(commit: CommittedOffset): CommittedOffsetAnswer {
  const { consumerGroup, topic, partition, offset, metadata, committedAt } = commit;
  return { group: consumerGroup, topic, partition, offset, metadata, committedAt: time(committedAt) };
}
