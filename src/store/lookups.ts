// Port: what clients look up, maybe in memory. Nothing is decided by it; how old an answer may be, and why it can harm nobody, stands in
// domain/README.md. Whoever must know reads the store.
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
