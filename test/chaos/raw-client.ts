// A client of the store itself, without an agent's manners: registers, takes leases, writes, gives up, falls silent and reaps others, at
// random, through the same bad weather. Every call is in the history, so that nothing that happens to its leases goes unexplained.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { partitionKey } from '../../src/domain/lease.ts';
import { Refusal, StoreUnavailable } from '../../src/domain/refusal.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { pick } from '../../src/demo/pick.ts';
import type { History, What } from './history.ts';

export const rawTopic = 'raw';
export const rawPartitions = 6;
export const rawTtlMs = 1_500;

/** A session that was reaped, or may have been: all its terms ended with it. */
export interface SessionEnd {
  readonly sessionId: string;
  readonly client: string;
  readonly invokedMs: number;
  readonly returnedMs: number;
}

export interface RawNotes {
  readonly history: History;
  readonly sessionEnds: SessionEnd[];
  readonly random: () => number;
  readonly surprises: string[];
}

export class RawClient {
  private readonly name: string;
  private readonly store: MetadataStore;
  private readonly notes: RawNotes;
  private sessionId: string | undefined;
  private readonly held = new Map<number, number>();

  constructor(name: string, store: MetadataStore, notes: RawNotes) {
    this.name = name;
    this.store = store;
    this.notes = notes;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { random, surprises } = this.notes;
    while (!signal.aborted) {
      try {
        await this.step();
      } catch (error) {
        if (!(error instanceof StoreUnavailable || error instanceof Refusal))
          surprises.push(`${this.name}: ${String(error)}`);
        if (error instanceof Refusal && error.code === 'session_lost') this.forget();
      }
      // Now and then it falls silent, and may be reaped.
      const pauseMs = random() < 0.01 ? 2 * rawTtlMs : 80 * random();
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async step(): Promise<void> {
    const { random } = this.notes;
    const sessionId = this.sessionId ?? (await this.register());
    if (sessionId === undefined) return;
    const choice = random();
    const partition = Math.floor(random() * rawPartitions);
    const [own] = [...this.held].toSorted(() => random() - 0.5);
    if (choice < 0.2) return this.beat(sessionId);
    if (choice < 0.5) return this.acquire(sessionId, partition);
    if (choice < 0.6) return this.reapSomebody(sessionId);
    if (own === undefined) return;
    if (choice < 0.85) return this.append(sessionId, own[0], own[1]);
    return this.release(sessionId, own[0], own[1]);
  }

  private async register(): Promise<string | undefined> {
    const sessionId = randomUUID();
    const agent = {
      agentId: `${this.name}-${sessionId}`,
      address: 'x',
      zone: 'z',
      weight: 1,
      managedTopics: [],
      metadata: {},
    };
    const { outcome } = await this.store.registerSession({
      sessionId,
      agent,
      ttlMs: rawTtlMs,
      process: 'chaos',
    });
    if (outcome === 'registered') this.sessionId = sessionId;
    return this.sessionId;
  }

  private async beat(sessionId: string): Promise<void> {
    const { outcome } = await this.store.heartbeat(sessionId);
    if (outcome === 'session_lost') this.forget();
  }

  private async acquire(sessionId: string, partition: number): Promise<void> {
    const note = this.call(partition);
    try {
      const { outcomes } = await this.store.acquireLeases(sessionId, [partitionKey(rawTopic, partition)]);
      const [answer] = outcomes;
      if (answer?.outcome === 'granted') note({ kind: 'grant', epoch: answer.epoch, holder: sessionId });
      if (answer?.outcome === 'already_held') note({ kind: 'held', epoch: answer.epoch, holder: sessionId });
      if (answer?.outcome === 'held') note({ kind: 'current', epoch: answer.epoch });
      if (answer?.outcome === 'granted' || answer?.outcome === 'already_held')
        this.held.set(partition, answer.epoch);
    } catch (error) {
      if (isUnknown(error)) note({ kind: 'perhaps_grant', holder: sessionId }, Infinity);
      throw error;
    }
  }

  private async append(sessionId: string, partition: number, epoch: number): Promise<void> {
    const baseOffset = (await this.store.getPartition(rawTopic, partition))?.highWatermark ?? 0;
    const note = this.call(partition);
    const id = randomUUID();
    const segment = {
      id,
      baseOffset,
      endOffset: baseOffset,
      recordCount: 1,
      sizeBytes: 1,
      bucket: 'chaos',
      key: id,
    };
    try {
      await this.store.appendSegments({ sessionId, epoch }, rawTopic, partition, [segment]);
      note({ kind: 'held', epoch, holder: sessionId });
    } catch (error) {
      if (error instanceof Refusal && error.facts.currentEpoch !== undefined) {
        note({ kind: 'current', epoch: error.facts.currentEpoch });
        this.held.delete(partition);
      }
      throw error;
    }
  }

  private async release(sessionId: string, partition: number, epoch: number): Promise<void> {
    const note = this.call(partition);
    const term = { key: partitionKey(rawTopic, partition), epoch };
    try {
      const { outcomes } = await this.store.releaseLeases(sessionId, [term], 'released');
      const [answer] = outcomes;
      if (answer?.outcome === 'released') note({ kind: 'end', epoch });
      if (answer?.outcome === 'superseded') note({ kind: 'current', epoch: answer.currentEpoch });
      this.held.delete(partition);
    } catch (error) {
      if (isUnknown(error)) note({ kind: 'perhaps_end', epoch }, Infinity);
      throw error;
    }
  }

  /** Without waiting for anybody's silence: the store's compare-and-set alone decides whether it has expired. */
  private async reapSomebody(sessionId: string): Promise<void> {
    const { sessions } = await this.store.observeSessions();
    const others = sessions.filter((each) => each.sessionId !== sessionId);
    if (others.length === 0) return;
    const { sessionId: victim, beat } = pick(this.notes.random, others);
    const invokedMs = performance.now();
    const end = { sessionId: victim, client: this.name, invokedMs };
    try {
      const answer = await this.store.reapSession(victim, beat);
      if (answer === 'reaped') this.notes.sessionEnds.push({ ...end, returnedMs: performance.now() });
    } catch (error) {
      if (isUnknown(error)) this.notes.sessionEnds.push({ ...end, returnedMs: Infinity });
      throw error;
    }
  }

  private forget(): void {
    this.sessionId = undefined;
    this.held.clear();
  }

  private call(partition: number): (what: What, returnedMs?: number) => void {
    const invokedMs = performance.now();
    return (what, returnedMs = performance.now()) =>
      this.notes.history.note({
        lease: `${rawTopic}/${partition}`,
        client: this.name,
        invokedMs,
        returnedMs,
        what,
      });
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof StoreUnavailable && error.outcomeUnknown;
}
