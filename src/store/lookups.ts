// Port: what clients look up, maybe in memory: for at most a second it may be what was true before. Nothing is decided by it; why it can harm
// nobody stands in cache/README.md. Whoever must know reads the store.
import type { PartitionKey } from '../domain/lease.ts';
import type { OffsetLocation } from '../domain/segment.ts';
import type { Partition, Topic } from '../domain/topic.ts';
import type { LeaseView } from './leases.ts';

/** Each as the store's operation of that name. */
export interface Lookups {
  getTopic(name: string): Promise<Topic | undefined>;
  getPartition(topic: string, partition: number): Promise<Partition | undefined>;
  getLease(key: PartitionKey): Promise<LeaseView | undefined>;
  findSegment(topic: string, partition: number, offset: number): Promise<OffsetLocation>;
}
