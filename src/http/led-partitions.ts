// Partitions of a topic side by side with their leases: two lists in the same order, read page by page in step.
import { Refusal } from '../domain/refusal.ts';
import type { Partition } from '../domain/topic.ts';
import type { LeaseView } from '../store/leases.ts';
import type { MetadataStore } from '../store/metadata-store.ts';
import type { Page, PageRequest } from '../store/page.ts';

export interface LedPartition {
  readonly partition: Partition;
  readonly lease: LeaseView;
}

/** Both cursors in one, since each list only understands its own; neither contains a dot. */
const separator = '.';

/** Refuses: `not_found`; `invalid` for a cursor of another list; `conflict` when the topic was replaced between the two reads. */
export async function listLedPartitions(
  store: MetadataStore,
  topic: string,
  { limit, cursor }: PageRequest,
): Promise<Page<LedPartition>> {
  const [partitionCursor, leaseCursor] = splitCursor(cursor);
  const partitions = await store.listPartitions(topic, { limit, cursor: partitionCursor });
  // Read second, so that it has every partition the first read saw, unless the topic was deleted meanwhile.
  const leases = await store.listPartitionLeases({ topic }, { limit, cursor: leaseCursor });
  const items = partitions.items.map((partition, i) => pair(partition, leases.items[i]));
  if (partitions.nextCursor === undefined) return { items };
  if (leases.nextCursor === undefined) throw changedMeanwhile(topic);
  return { items, nextCursor: `${partitions.nextCursor}${separator}${leases.nextCursor}` };
}

function pair(partition: Partition, lease: LeaseView | undefined): LedPartition {
  const isSame = lease?.key.kind === 'partition' && lease.key.partition === partition.partition;
  if (lease === undefined || !isSame) throw changedMeanwhile(partition.topic);
  return { partition, lease };
}

function changedMeanwhile(topic: string): Refusal {
  return new Refusal(
    'conflict',
    `topic "${topic}" changed while it was read, or the cursor is not one of this list; start from the beginning`,
  );
}

function splitCursor(cursor: string | undefined): [string | undefined, string | undefined] {
  if (cursor === undefined) return [undefined, undefined];
  const [ofPartitions, ofLeases, ...rest] = cursor.split(separator);
  if (!ofPartitions || !ofLeases || rest.length > 0) {
    throw new Refusal(
      'invalid',
      'cursor is not one that this list gave; leave it out to start from the beginning',
    );
  }
  return [ofPartitions, ofLeases];
}
