// The store itself, for agents and clients alike; nothing it answers comes from memory. What is written through it, or learnt of this agent's
// own leases, is told to what clients look up before whoever asked for it hears the answer.
import type { LeaseKey, PartitionKey } from '../../domain/lease.ts';
import type { MetadataStore } from '../metadata-store.ts';
import type { CachedLookups } from './cached-lookups.ts';

/** `real`, and `lookups` hear of its changes. Also when an outcome is not known: what was asked for may have happened. */
export function tellingStore(real: MetadataStore, lookups: CachedLookups): MetadataStore {
  const thenTell = async <T>(work: Promise<T>, tell: () => void): Promise<T> => {
    try {
      return await work;
    } finally {
      tell();
    }
  };
  const topics = <T>(work: Promise<T>) => thenTell(work, () => lookups.topicsChanged());
  const log = <T>(topic: string, partition: number, work: Promise<T>) =>
    thenTell(work, () => lookups.logChanged({ topic, partition }));
  const leases = <T>(work: Promise<T>) => thenTell(work, () => lookups.leasesChanged());
  const terms = (keys: readonly LeaseKey[]): void => {
    for (const key of keys.filter(isOfPartition)) {
      lookups.leaseChanged(key);
      // Where its log ends is final as of the grant, and known to be so only from then on.
      lookups.logChanged(key);
    }
  };
  const own: Partial<MetadataStore> = {
    createTopic: (topic) => topics(real.createTopic(topic)),
    deleteTopic: (name) => topics(real.deleteTopic(name)),
    addPartitions: (name, count) => topics(real.addPartitions(name, count)),
    appendSegments: async (fence, topic, partition, segments) => {
      const answer = await log(topic, partition, real.appendSegments(fence, topic, partition, segments));
      if (answer.outcome === 'appended') lookups.appended(topic, partition, answer.segments);
      return answer;
    },
    advanceHighWatermark: (fence, topic, partition, offset) =>
      log(topic, partition, real.advanceHighWatermark(fence, topic, partition, offset)),
    deleteSegmentsBefore: (topic, partition, before, limit) =>
      log(topic, partition, real.deleteSegmentsBefore(topic, partition, before, limit)),
    acquireLeases: (sessionId, keys, reclaim) =>
      thenTell(real.acquireLeases(sessionId, keys, reclaim), () => terms(keys)),
    releaseLeases: (sessionId, list, reason) =>
      thenTell(real.releaseLeases(sessionId, list, reason), () => terms(list.map(({ key }) => key))),
    // How a grant is learnt of whose answer was lost.
    heldLeases: async (sessionId) => {
      const held = await real.heldLeases(sessionId);
      terms(held.terms.map(({ key }) => key));
      return held;
    },
    endSession: (sessionId, reason) => leases(real.endSession(sessionId, reason)),
    reapSession: (sessionId, beat) => leases(real.reapSession(sessionId, beat)),
    reapCrashed: (sessionId, beat, lockKey) => leases(real.reapCrashed(sessionId, beat, lockKey)),
    removeAgent: (agentId, options) => leases(real.removeAgent(agentId, options)),
    // A new era ends all sessions, so every agent comes by here: the database may be one of an earlier day.
    registerSession: (session) => thenTell(real.registerSession(session), () => lookups.everythingChanged()),
  };
  return new Proxy(real, {
    get: (target, name): unknown => Reflect.get(Object.hasOwn(own, name) ? own : target, name),
  });
}

function isOfPartition(key: LeaseKey): key is PartitionKey {
  return key.kind === 'partition';
}
