// The agent's latest events, numbered and bounded: those who read at their own pace take them from here, and who falls behind
// starts again from a snapshot. Readers hold a number, never a queue of their own.
import type { AgentEvent } from './agent-events.ts';

export interface JournalEntry {
  /** Grows by one with every event of this process. */
  readonly n: number;
  /** The session it happened in; null before the first. */
  readonly sessionId: string | null;
  readonly event: AgentEvent;
}

/** What readers may do with it. */
export interface Journal {
  /** Number of the newest event; 0 before the first. */
  readonly last: number;
  /** The events behind number `n`, oldest first, at most `max` of them; undefined when one of them is forgotten or `n` is yet to come. */
  after(n: number, max: number): readonly JournalEntry[] | undefined;
  /** Calls back, in the same turn, when there is something new. Returns the way to stop. */
  onAppend(listener: () => void): () => void;
}

export interface EventJournalOptions {
  /** Events kept at most. */
  readonly capacity: number;
}

export class EventJournal implements Journal {
  private readonly capacity: number;
  /** A ring: the entry of number n is at n modulo capacity. */
  private readonly ring: JournalEntry[] = [];
  private readonly listeners = new Set<() => void>();
  private newest = 0;

  constructor({ capacity }: EventJournalOptions) {
    this.capacity = capacity;
  }

  get last(): number {
    return this.newest;
  }

  append(sessionId: string | null, events: readonly AgentEvent[]): void {
    if (events.length === 0) return;
    for (const event of events) {
      this.newest += 1;
      this.ring[this.newest % this.capacity] = { n: this.newest, sessionId, event };
    }
    for (const listener of this.listeners) listener();
  }

  after(n: number, max: number): readonly JournalEntry[] | undefined {
    if (n > this.newest || n < this.newest - this.capacity) return undefined;
    const entries: JournalEntry[] = [];
    const until = Math.min(this.newest, n + max);
    for (let next = n + 1; next <= until; next += 1) {
      const entry = this.ring[next % this.capacity];
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  onAppend(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
