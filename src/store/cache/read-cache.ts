// What was read by key, kept for a while: least recently used out first, one read at a time for a key however many ask, and "there is none"
// is an answer like any other. It never decides anything: what a fence or a new leader goes by is read from the store.
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import type { CacheResult } from './cache-names.ts';

export interface ReadCacheOptions {
  readonly max: number;
  /** An entry that nobody has told to forget is read again after so long, milliseconds, on the local monotonic clock. */
  readonly maxAgeMs: number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly count: (result: CacheResult) => void;
}

interface Entry<T> {
  readonly value: T;
  /** When the read was sent: what it answers is at least so new. */
  readonly askedMs: number;
}

export class ReadCache<T> {
  private readonly options: ReadCacheOptions;
  private readonly entries: LRUCache<string, Entry<T>>;
  private readonly reading = new Map<string, Promise<Entry<T>>>();

  constructor(options: ReadCacheOptions) {
    this.options = options;
    this.entries = new LRUCache({ max: options.max });
  }

  /** The value under `key` and its age in milliseconds; `read` is asked when it is not known. A read that fails is not kept. */
  async get(key: string, read: () => Promise<T>): Promise<{ readonly value: T; readonly ageMs: number }> {
    const { clock, maxAgeMs, count } = this.options;
    const nowMs = clock.monotonicMs();
    const known = this.entries.get(key);
    if (known !== undefined && nowMs - known.askedMs <= maxAgeMs) {
      count('hit');
      return { value: known.value, ageMs: nowMs - known.askedMs };
    }
    count('miss');
    const { value, askedMs } = await (this.reading.get(key) ?? this.read(key, read));
    return { value, ageMs: clock.monotonicMs() - askedMs };
  }

  /** Also what is being read: who asks from now on does not get an answer from before. */
  forget(key: string): void {
    this.entries.delete(key);
    this.reading.delete(key);
  }

  forgetAll(): void {
    this.entries.clear();
    this.reading.clear();
  }

  private read(key: string, read: () => Promise<T>): Promise<Entry<T>> {
    const askedMs = this.options.clock.monotonicMs();
    const isWanted = (): boolean => this.reading.get(key) === reading;
    const reading: Promise<Entry<T>> = read()
      .then((value) => {
        const entry = { value, askedMs };
        if (isWanted()) this.entries.set(key, entry);
        return entry;
      })
      .finally(() => {
        if (isWanted()) this.reading.delete(key);
      });
    this.reading.set(key, reading);
    return reading;
  }
}
