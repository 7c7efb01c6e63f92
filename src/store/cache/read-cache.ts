// What was read by key, kept for a while: least recently used out first, one read at a time for a key however many ask, and "there is none"
// is an answer like any other.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import { SingleFlight } from '../../platform/single-flight.ts';
import type { CacheResult } from './cache-names.ts';

export interface ReadCacheOptions<T> {
  /** All entries together, in the unit of `sizeOf`. */
  readonly sizeMax: number;
  /** Default: 1 each. */
  readonly sizeOf?: (value: T) => number;
  /** How long a value may be kept that nobody has told to forget, milliseconds on the local monotonic clock, from when it was asked for. */
  readonly maxAgeMs: (value: T) => number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly count: (result: CacheResult) => void;
}

export interface Known<T> {
  readonly value: T;
  /** When the read was sent: what it answers is at least so new. Monotonic. */
  readonly askedMs: number;
}

interface Entry<T> extends Known<T> {
  readonly untilMs: number;
}

export class ReadCache<T> {
  private readonly options: ReadCacheOptions<T>;
  private readonly entries: LRUCache<string, Entry<T>>;
  private readonly reading = new SingleFlight<Entry<T>>();

  constructor(options: ReadCacheOptions<T>) {
    this.options = options;
    this.entries = new LRUCache({ maxSize: options.sizeMax });
  }

  get size(): number {
    return this.entries.size;
  }

  /** What is known under `key`; `read` is asked when nothing is. A read that fails is not kept. */
  async get(key: string, read: () => Promise<T>): Promise<Known<T>> {
    const { clock, count } = this.options;
    const known = this.entries.get(key);
    if (known !== undefined && clock.monotonicMs() < known.untilMs) {
      count('hit');
      return known;
    }
    count('miss');
    return this.reading.run(key, (isWanted) => this.read(key, read, isWanted));
  }

  /** Also what is being read: it may be from before the change, so it is not kept, and who asks from now on reads anew. */
  forget(key: string): void {
    this.entries.delete(key);
    this.reading.forget(key);
  }

  forgetAll(): void {
    this.entries.clear();
    this.reading.forgetAll();
  }

  private async read(key: string, read: () => Promise<T>, isWanted: () => boolean): Promise<Entry<T>> {
    const { clock, maxAgeMs, sizeOf = () => 1 } = this.options;
    const askedMs = clock.monotonicMs();
    const value = await read();
    const entry = { value, askedMs, untilMs: askedMs + maxAgeMs(value) };
    if (isWanted()) this.entries.set(key, entry, { size: sizeOf(value) });
    return entry;
  }
}
