// Who appears in the scenarios: agents that join, lead partitions of the topic `orders`, fall silent and are reaped.
import { randomUUID } from 'node:crypto';
import { type LeaseKey, partitionKey, type PartitionKey, type Term } from '../../../src/domain/lease.ts';
import { Refusal } from '../../../src/domain/refusal.ts';
import type { NewSegment } from '../../../src/domain/segment.ts';
import type { AcquireAnswer } from '../../../src/store/leases.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { AppendAnswer, Fence } from '../../../src/store/segments.ts';
import type { Stage } from './stage.ts';

export const topic = 'orders';

export function orders(partition: number): PartitionKey {
  return partitionKey(topic, partition);
}

/** The first `count` partitions. */
export function allOrders(count: number): PartitionKey[] {
  return Array.from({ length: count }, (_, partition) => orders(partition));
}

export async function createOrders(store: MetadataStore, partitionCount: number): Promise<void> {
  await store.createTopic({ name: topic, partitionCount, retentionMs: null, config: {} });
}

/** Registers the agent and answers its session. */
export async function join(store: MetadataStore, agentId: string, ttlMs = 60_000): Promise<string> {
  const sessionId = randomUUID();
  const agent = { agentId, address: agentId, zone: 'z', weight: 1, managedTopics: [], metadata: {} };
  const { outcome } = await store.registerSession({ sessionId, agent, ttlMs, process: 'test' });
  if (outcome !== 'registered') throw new Error(`${agentId} could not register: ${outcome}`);
  return sessionId;
}

export interface Leader {
  readonly sessionId: string;
  readonly terms: readonly Term[];
  /** For writes to partition 0, or whichever comes first. */
  readonly fence: Fence;
}

/** Registers the agent and takes the leases, which must be free. */
export async function lead(
  store: MetadataStore,
  agentId: string,
  keys: readonly LeaseKey[],
  ttlMs?: number,
): Promise<Leader> {
  const sessionId = await join(store, agentId, ttlMs);
  return { sessionId, ...(await take(store, sessionId, keys)) };
}

export async function take(
  store: MetadataStore,
  sessionId: string,
  keys: readonly LeaseKey[],
): Promise<{ terms: readonly Term[]; fence: Fence }> {
  const terms = granted(await store.acquireLeases(sessionId, keys));
  const [term] = terms;
  if (!term || terms.length !== keys.length)
    throw new Error(`${terms.length} of ${keys.length} were granted`);
  return { terms, fence: { sessionId, epoch: term.epoch } };
}

export function granted(answer: AcquireAnswer): Term[] {
  return answer.outcomes.flatMap((each) =>
    each.outcome === 'granted' ? [{ key: each.key, epoch: each.epoch }] : [],
  );
}

export function outcomes(answer: { readonly outcomes: readonly { readonly outcome: string }[] }): string[] {
  return answer.outcomes.map(({ outcome }) => outcome);
}

/** Makes the session's expiry lie in the past, as a TTL of silence would. */
export async function silence(stage: Stage, sessionId: string): Promise<void> {
  await stage.query(
    `update sessions set expires_at = clock_timestamp() - interval '1 second' where session_id = $1`,
    [sessionId],
  );
}

/** Silences and reaps a session that has never beaten. */
export async function bury(stage: Stage, store: MetadataStore, sessionId: string): Promise<void> {
  await silence(stage, sessionId);
  const answer = await store.reapSession(sessionId, 1);
  if (answer !== 'reaped') throw new Error(`the session to be reaped is ${answer}`);
}

export function segment(baseOffset: number, endOffset: number, id = `s${baseOffset}`): NewSegment {
  const recordCount = endOffset - baseOffset + 1;
  return { id, baseOffset, endOffset, recordCount, sizeBytes: 10, bucket: 'b', key: `orders/${id}` };
}

export async function append(
  store: MetadataStore,
  fence: Fence,
  segments: readonly NewSegment[],
  partition = 0,
): Promise<AppendAnswer> {
  return store.appendSegments(fence, topic, partition, segments);
}

/** The outcome, or the code of the refusal. */
export async function verdict(asked: Promise<{ readonly outcome: string }>): Promise<string> {
  try {
    return (await asked).outcome;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** The refusal's code and facts, or the outcome where there was none. */
export async function refusal(asked: Promise<{ readonly outcome: string }>): Promise<unknown> {
  try {
    return (await asked).outcome;
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code, ...error.facts };
    throw error;
  }
}

export async function holderOf(store: MetadataStore, key: LeaseKey): Promise<string | null | undefined> {
  return (await store.getLease(key))?.agentId;
}

export async function highWatermark(store: MetadataStore, partition = 0): Promise<number | undefined> {
  return (await store.getPartition(topic, partition))?.highWatermark;
}
