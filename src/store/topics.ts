// Port: topics and partitions of one agent group. Lists are in name order (byte order), then partition order.
import type { NewTopic, Partition, Topic } from '../domain/topic.ts';
import type { Page, PageRequest } from './page.ts';

export interface TopicStore {
  /**
   * Creates the topic, its partitions (high watermark 0) and, where an earlier topic of the name has left none, their leases.
   * Leases that outlived it go on with their epochs; of purged ones the name's epoch floor is left, above which new leases are
   * granted. Refuses: `already_exists`.
   */
  createTopic(topic: NewTopic): Promise<Topic>;

  /**
   * Deletes the topic with its partitions, segments, committed offsets and assignment. Its leases stay: vacated, and each
   * with a higher epoch, so that whoever led it is fenced from a topic re-created under the name, until they are purged
   * (`SessionStore.purge`). Refuses: `not_found`.
   */
  deleteTopic(name: string): Promise<void>;

  getTopic(name: string): Promise<Topic | undefined>;

  listTopics(page: PageRequest): Promise<Page<Topic>>;

  /** Grows the topic to `partitionCount` in all; asking for the count it has changes nothing. Refuses: `not_found`, `conflict` (fewer). */
  addPartitions(name: string, partitionCount: number): Promise<Topic>;

  getPartition(topic: string, partition: number): Promise<Partition | undefined>;

  /** Refuses: `not_found` when there is no such topic. */
  listPartitions(topic: string, page: PageRequest): Promise<Page<Partition>>;
}
