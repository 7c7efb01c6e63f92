// Topics and partitions in answers.
import type { Partition, Topic } from '../../domain/topic.ts';
import type { LeaseView } from '../../store/leases.ts';
import type { LedPartitionAnswer, PartitionAnswer, TopicAnswer } from '../schemas/answers/topics.ts';
import { time } from './times.ts';

export function presentTopic(topic: Topic): TopicAnswer {
  const { name, partitionCount, retentionMs, config, createdAt } = topic;
  return { name, partitionCount, retentionMs, config, createdAt: time(createdAt) };
}

export function presentPartition({
  topic,
  partition,
  highWatermark,
  startOffset,
}: Partition): PartitionAnswer {
  return { topic, partition, highWatermark, startOffset };
}

/** A partition with who leads it: `leader` is an agentId, null when nobody does; `epoch` the current one all the same. */
export function presentLedPartition(partition: Partition, lease: LeaseView): LedPartitionAnswer {
  return { ...presentPartition(partition), leader: lease.agentId, epoch: lease.epoch };
}
