// What all brokers of a run believe, in one place: who was told that it leads which partition, and who still did when another was told. The
// brokers live in one process, so one event loop saw both, and each term is asked by its own deadline.
import type { Term } from '../../src/client/client.ts';
import { leaseKeyText, partitionKey } from '../../src/domain/lease.ts';

export interface Overlap {
  readonly lease: string;
  readonly older: Believed;
  readonly newer: Believed;
  readonly atMs: number;
  /** How long the older one believed on, milliseconds. */
  forMs: number;
}

export interface Believed {
  readonly agentId: string;
  readonly epoch: number;
}

interface Entry extends Believed {
  readonly term: Term;
}

export function leaseText({ topic, partition }: Pick<Term, 'topic' | 'partition'>): string {
  return leaseKeyText(partitionKey(topic, partition));
}

export class TermBoard {
  readonly overlaps: Overlap[] = [];
  /** Terms told, for the figures. */
  told = 0;
  private readonly entries = new Map<string, Set<Entry>>();
  private readonly highest = new Map<string, number>();

  begin(agentId: string, term: Term): void {
    const lease = leaseText(term);
    const entry = { agentId, epoch: term.epoch, term };
    const entries = this.entries.get(lease) ?? new Set();
    this.entries.set(lease, entries);
    this.told += 1;
    for (const older of entries)
      if (older.agentId !== agentId && older.term.isUsable()) this.overlap(older, entry);
    entries.add(entry);
    term.signal.addEventListener('abort', () => entries.delete(entry));
    this.highest.set(lease, Math.max(term.epoch, this.highest.get(lease) ?? 0));
  }

  /** Whether a broker was told of a later term than this one. */
  isOver(lease: string, epoch: number): boolean {
    return (this.highest.get(lease) ?? 0) > epoch;
  }

  /** Partitions that a broker leads by its own deadline now. */
  ledCount(): number {
    return [...this.entries.values()].filter((entries) => [...entries].some(({ term }) => term.isUsable()))
      .length;
  }

  private overlap(older: Entry, newer: Entry): void {
    const atMs = performance.now();
    const believed = ({ agentId, epoch }: Entry): Believed => ({ agentId, epoch });
    const overlap: Overlap = {
      lease: leaseText(newer.term),
      older: believed(older),
      newer: believed(newer),
      atMs,
      forMs: Infinity,
    };
    this.overlaps.push(overlap);
    older.term.signal.addEventListener('abort', () => (overlap.forMs = performance.now() - atMs));
  }
}
