// A lease: the exclusive right to lead one partition or one named role, and the key that names it.

/** What a lease is for. Topics are named, not numbered: a topic re-created under its name continues the same epochs. */
export type LeaseKey =
  | { readonly kind: 'partition'; readonly topic: string; readonly partition: number }
  | { readonly kind: 'role'; readonly name: string };

export type PartitionKey = Extract<LeaseKey, { kind: 'partition' }>;

/** One holding of a lease. The epoch is the term's identity and its fencing token. */
export interface Term {
  readonly key: LeaseKey;
  readonly epoch: number;
}

/** The role whose holder plans assignments for its group. */
export const COORDINATOR: LeaseKey = { kind: 'role', name: 'coordinator' };

export function partitionKey(topic: string, partition: number): PartitionKey {
  return { kind: 'partition', topic, partition };
}

export function roleKey(name: string): LeaseKey {
  return { kind: 'role', name };
}

/** A unique text for maps and logs: `orders/3`, `role:coordinator`. Names hold no `/` and no `:`. */
export function leaseKeyText(key: LeaseKey): string {
  return key.kind === 'partition' ? `${key.topic}/${key.partition}` : `role:${key.name}`;
}
