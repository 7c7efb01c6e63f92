// All leases as last read, by topic and partition, and what differs between two reads. Ten thousand are compared in a few
// milliseconds: partitions of a topic are numbered without gaps, so that nothing has to be looked up by text.
import type { LeaseAnswer } from '../../http/schemas/answers/leases.ts';

export interface LeaseTable {
  /** As answered: by topic and partition. */
  readonly all: readonly LeaseAnswer[];
  /** By partition number. */
  readonly byTopic: ReadonlyMap<string, readonly LeaseAnswer[]>;
  /** Per agent that leads something, in the order of `all`. */
  readonly byAgent: ReadonlyMap<string, readonly LeaseAnswer[]>;
  readonly vacant: readonly LeaseAnswer[];
}

export function leaseTable(all: readonly LeaseAnswer[]): LeaseTable {
  const byTopic = new Map<string, LeaseAnswer[]>();
  const byAgent = new Map<string, LeaseAnswer[]>();
  const vacant: LeaseAnswer[] = [];
  for (const lease of all) {
    listIn(byTopic, lease.topic)[lease.partition] = lease;
    (lease.agentId === null ? vacant : listIn(byAgent, lease.agentId)).push(lease);
  }
  return { all, byTopic, byAgent, vacant };
}

function listIn<T>(lists: Map<string, T[]>, key: string): T[] {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const list: T[] = [];
  lists.set(key, list);
  return list;
}

export const noLeases = leaseTable([]);

export interface LeaseChange {
  readonly before: LeaseAnswer;
  readonly after: LeaseAnswer;
}

export interface LeaseDifference {
  /** Another leader, or another term of the same. */
  readonly changed: readonly LeaseChange[];
  readonly created: readonly { readonly topic: string; readonly partitions: number }[];
  readonly grown: readonly { readonly topic: string; readonly from: number; readonly to: number }[];
  readonly deleted: readonly string[];
  /** Leases that are in new topics, or new in grown ones, and led already. */
  readonly isNothing: boolean;
}

export function compareLeases(before: LeaseTable, after: LeaseTable): LeaseDifference {
  const changed: LeaseChange[] = [];
  const created: { topic: string; partitions: number }[] = [];
  const grown: { topic: string; from: number; to: number }[] = [];
  for (const [topic, leases] of after.byTopic) {
    const known = before.byTopic.get(topic);
    if (known === undefined) {
      created.push({ topic, partitions: leases.length });
      continue;
    }
    if (leases.length > known.length) grown.push({ topic, from: known.length, to: leases.length });
    for (let partition = 0; partition < known.length; partition += 1) {
      const [was, is] = [known[partition], leases[partition]];
      if (was === undefined || is === undefined) continue;
      if (was.agentId !== is.agentId || was.epoch !== is.epoch) changed.push({ before: was, after: is });
    }
  }
  const deleted = [...before.byTopic.keys()].filter((topic) => !after.byTopic.has(topic));
  const isNothing = changed.length + created.length + grown.length + deleted.length === 0;
  return { changed, created, grown, deleted, isNothing };
}
