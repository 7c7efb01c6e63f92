// The smallest things the tests need, and the few steps most of them begin with.
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type LeaseKey, partitionKey } from '../../../src/domain/lease.ts';
import { type RefusalCode, type RefusalFacts, StoreMisconfigured } from '../../../src/domain/refusal.ts';
import type { NewSegment } from '../../../src/domain/segment.ts';
import type { NewTopic } from '../../../src/domain/topic.ts';
import type { AcquireOutcome } from '../../../src/store/leases.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Fence } from '../../../src/store/segments.ts';
import type { AgentDescription } from '../../../src/store/sessions.ts';
import type { ContractDatabase } from './backend.ts';

export const all = { limit: 10_000 };

/** A minute: nothing expires while a test runs unless it says so. */
export const ttlMs = 60_000;

export function topic(name: string, partitionCount = 1): NewTopic {
  return { name, partitionCount, retentionMs: null, config: {} };
}

export function agent(agentId: string, more: Partial<AgentDescription> = {}): AgentDescription {
  const address = `${agentId}.example:9092`;
  return { agentId, address, zone: 'z', weight: 1, managedTopics: [], metadata: {}, ...more };
}

/** Records `base` to `end`, both included. */
export function segment(base: number, end: number, more: Partial<NewSegment> = {}): NewSegment {
  const recordCount = end - base + 1;
  const place = { bucket: 'b', key: `orders/0/${base}` };
  return { id: `s${base}`, baseOffset: base, endOffset: end, recordCount, sizeBytes: 10, ...place, ...more };
}

/** Registers an agent; answers its session. */
export async function join(store: MetadataStore, agentId: string): Promise<string> {
  const sessionId = randomUUID();
  const session = { sessionId, agent: agent(agentId), ttlMs, process: `${agentId}:1` };
  expect(await store.registerSession(session)).toEqual({ outcome: 'registered' });
  return sessionId;
}

export async function acquireOne(
  store: MetadataStore,
  sessionId: string,
  key: LeaseKey,
): Promise<AcquireOutcome> {
  const { outcomes } = await store.acquireLeases(sessionId, [key]);
  const [outcome] = outcomes;
  if (outcome === undefined || outcomes.length !== 1) throw new Error('one key was asked for');
  return outcome;
}

/** Takes a lease that must be free; answers the epoch. */
export async function take(store: MetadataStore, sessionId: string, key: LeaseKey): Promise<number> {
  const outcome = await acquireOne(store, sessionId, key);
  if (outcome.outcome !== 'granted') throw new Error(`expected a grant, got ${outcome.outcome}`);
  return outcome.epoch;
}

/** Makes a session look silent for longer than its TTL. */
export async function expire(database: ContractDatabase, sessionId: string): Promise<void> {
  await database.sql(
    `update sessions set expires_at = ${database.timeIn(-1_000)} where session_id = '${sessionId}'`,
  );
}

/** Ends a session as an observer does that saw it silent for a TTL. */
export async function reap(database: ContractDatabase, store: MetadataStore, sessionId: string) {
  await expire(database, sessionId);
  const { sessions } = await store.observeSessions();
  const beat = sessions.find((session) => session.sessionId === sessionId)?.beat ?? Number.NaN;
  expect(await store.reapSession(sessionId, beat)).toBe('reaped');
}

/** A topic `orders` of one partition, led by agent `a`. */
export async function ledPartition(store: MetadataStore): Promise<{ sessionId: string; fence: Fence }> {
  await store.createTopic(topic('orders'));
  const sessionId = await join(store, 'a');
  return { sessionId, fence: { sessionId, epoch: await take(store, sessionId, orders) } };
}

export const orders = partitionKey('orders', 0);

/** A person must act, and `message` says how. */
export async function expectMisconfigured(attempt: Promise<unknown>, message: RegExp): Promise<void> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreMisconfigured);
  expect(String(error)).toMatch(message);
}

export async function expectRefusal(
  attempt: Promise<unknown>,
  code: RefusalCode,
  facts: RefusalFacts = {},
): Promise<void> {
  await expect(attempt).rejects.toMatchObject({ name: 'Refusal', code, facts });
}

/** How far `work` raised the group's generation. */
export async function raised(store: MetadataStore, work: () => Promise<unknown>): Promise<number> {
  const before = await store.assignmentGeneration();
  await work();
  return (await store.assignmentGeneration()) - before;
}
