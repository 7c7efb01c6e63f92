// Who acts in the benches: a session that leads partitions of a topic.
import { randomUUID } from 'node:crypto';
import { type LeaseKey, partitionKey, type Term } from '../../src/domain/lease.ts';
import type { NewSegment } from '../../src/domain/segment.ts';
import type { AcquireAnswer } from '../../src/store/leases.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';

export async function createTopic(store: MetadataStore, name: string, partitionCount: number): Promise<void> {
  await store.createTopic({ name, partitionCount, retentionMs: null, config: {} });
}

/** Registers an agent, whose session nobody reaps, and answers that session. */
export async function join(store: MetadataStore, agentId: string): Promise<string> {
  const sessionId = randomUUID();
  const agent = { agentId, address: 'a:1', zone: 'z', weight: 1, managedTopics: [], metadata: {} };
  const { outcome } = await store.registerSession({ sessionId, agent, ttlMs: 300_000, process: 'bench' });
  if (outcome !== 'registered') throw new Error(`${agentId} could not register: ${outcome}`);
  return sessionId;
}

/** The partitions `from` up to, not including, `to`. */
export function keysOf(topic: string, from: number, to: number): LeaseKey[] {
  return Array.from({ length: to - from }, (_, i) => partitionKey(topic, from + i));
}

/** The terms of an answer that must have granted everything. */
export function granted({ outcomes }: AcquireAnswer): Term[] {
  return outcomes.map((each) => {
    if (each.outcome !== 'granted') throw new Error(`a lease is ${each.outcome}, not granted`);
    return { key: each.key, epoch: each.epoch };
  });
}

/** One record at `offset`. */
export function segmentAt(offset: number, id = `s${offset}`): NewSegment {
  const key = `bench/${id}.seg`;
  return {
    id,
    baseOffset: offset,
    endOffset: offset,
    recordCount: 1,
    sizeBytes: 1_000_000,
    bucket: 'b',
    key,
  };
}
