// Where offsets lie, from memory: a window of segments for each partition that is read, filled by what was added since, bounded in all. At the
// end of a log, where consumers wait, the store is asked at most every `tailRestMs` for a partition, however many ask.
import { LRUCache } from 'lru-cache';
import type { OffsetLocation, Segment } from '../../domain/segment.ts';
import type { Clock } from '../../platform/clock.ts';
import type { SegmentStore } from '../segments.ts';
import type { TopicStore } from '../topics.ts';
import type { CacheResult } from './cache-names.ts';
import { SegmentWindow } from './segment-window.ts';

export type IndexedStore = Pick<SegmentStore, 'findSegment' | 'listSegments'> &
  Pick<TopicStore, 'getPartition'>;

export interface SegmentIndexOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly count: (result: CacheResult) => void;
  /** Segments in all windows together. */
  readonly segmentsMax: number;
  /** Segments in one window: the last ones stay. */
  readonly windowMax: number;
  /** Segments read at once. */
  readonly pageSize: number;
  /** How long the end of a log is believed, milliseconds. */
  readonly tailRestMs: number;
  /** How long both ends are believed at most, for offsets between them, milliseconds. */
  readonly maxAgeMs: number;
}

interface Indexed {
  readonly window: SegmentWindow;
  /** When the ends were last asked for; −∞ when they must be asked for again. */
  endsAskedMs: number;
  /** Whether it has answered anything since somebody asked for what lies before it. */
  isUsed: boolean;
}

/** Ends that are read by a load serve the one who waits for it; twice somebody else's load may have come first. */
const loadsMax = 3;

export class SegmentIndex {
  private readonly store: IndexedStore;
  private readonly options: SegmentIndexOptions;
  private readonly indexed: LRUCache<string, Indexed>;
  private readonly loading = new Map<string, Promise<boolean>>();

  constructor(store: IndexedStore, options: SegmentIndexOptions) {
    this.store = store;
    this.options = options;
    this.indexed = new LRUCache({ maxSize: options.segmentsMax });
  }

  /** As the store's own. */
  async find(topic: string, partition: number, offset: number): Promise<OffsetLocation> {
    const key = keyOf(topic, partition);
    const known = this.known(key, offset);
    this.options.count(known === undefined ? 'miss' : 'hit');
    if (known !== undefined) return known;
    for (let load = 0; load < loadsMax; load += 1) {
      const isLoaded = await (this.loading.get(key) ?? this.startLoad(key, topic, partition, offset));
      if (!isLoaded) break;
      const location = this.known(key, offset);
      if (location !== undefined) return location;
    }
    // No such partition, or something that is not worth keeping: the store says it best.
    return this.store.findSegment(topic, partition, offset);
  }

  /** Segments that were just stored, and the high watermark behind them. */
  appended(topic: string, partition: number, segments: readonly Segment[], highWatermark: number): void {
    const key = keyOf(topic, partition);
    const entry = this.indexed.get(key);
    if (entry === undefined) return;
    const { window } = entry;
    if (window.reachesEnd && segments[0]?.baseOffset === window.to) {
      window.extend(segments, highWatermark);
      this.keep(key, entry);
    } else entry.endsAskedMs = -Infinity;
  }

  /** The ends of this partition, or of all, are no longer what they were. */
  endsMoved(topic?: string, partition?: number): void {
    if (topic !== undefined && partition !== undefined) {
      const entry = this.indexed.peek(keyOf(topic, partition));
      if (entry !== undefined) entry.endsAskedMs = -Infinity;
      this.loading.delete(keyOf(topic, partition));
      return;
    }
    for (const entry of this.indexed.values()) entry.endsAskedMs = -Infinity;
    this.loading.clear();
  }

  forgetAll(): void {
    this.indexed.clear();
    this.loading.clear();
  }

  private known(key: string, offset: number): OffsetLocation | undefined {
    const entry = this.indexed.get(key);
    if (entry === undefined) return undefined;
    const { clock, tailRestMs, maxAgeMs } = this.options;
    const { window } = entry;
    const location = window.locate(offset);
    // What follows the last segment known is known only as long as the end is.
    const isAtEnd =
      offset >= window.highWatermark || (location?.result === 'gap' && location.next === window.to);
    const ageMs = clock.monotonicMs() - entry.endsAskedMs;
    if (ageMs > (isAtEnd ? tailRestMs : maxAgeMs)) return undefined;
    if (location !== undefined) entry.isUsed = true;
    return location;
  }

  private startLoad(key: string, topic: string, partition: number, offset: number): Promise<boolean> {
    const isWanted = (): boolean => this.loading.get(key) === loading;
    const loading: Promise<boolean> = this.load(topic, partition, offset, isWanted).finally(() => {
      if (isWanted()) this.loading.delete(key);
    });
    this.loading.set(key, loading);
    return loading;
  }

  /**
   * Reads what was added since the window's end, or begins another window at `offset`; false when it does neither. `isWanted`: nothing was
   * forgotten meanwhile.
   */
  private async load(
    topic: string,
    partition: number,
    offset: number,
    isWanted: () => boolean,
  ): Promise<boolean> {
    const key = keyOf(topic, partition);
    const endsAskedMs = this.options.clock.monotonicMs();
    const ends = await this.store.getPartition(topic, partition);
    if (!isWanted()) return true;
    const entry = this.indexed.peek(key);
    if (ends === undefined) {
      this.indexed.delete(key);
      return false;
    }
    const wanted = Math.min(Math.max(offset, ends.startOffset), ends.highWatermark);
    if (entry !== undefined && wanted >= entry.window.from) {
      entry.window.noteEnds(ends);
      if (await this.extend(topic, partition, entry.window, isWanted)) {
        entry.endsAskedMs = endsAskedMs;
        this.keep(key, entry);
      }
      if (!isWanted() || wanted < entry.window.to || entry.window.reachesEnd) return true;
    } else if (entry?.isUsed) {
      // Somebody reads what is long past while others are near the end: a lookup for him, and the window stays theirs.
      entry.isUsed = false;
      return false;
    }
    const window = new SegmentWindow(wanted, ends);
    if (await this.extend(topic, partition, window, isWanted))
      this.keep(key, { window, endsAskedMs, isUsed: true });
    return true;
  }

  /** One page from the window's end on. The ends must have been read before: what was stored later is at the end of the page, or behind it. */
  private async extend(
    topic: string,
    partition: number,
    window: SegmentWindow,
    isWanted: () => boolean,
  ): Promise<boolean> {
    if (window.reachesEnd) return true;
    const { pageSize } = this.options;
    const { items, nextCursor } = await this.store.listSegments(topic, partition, window.to, {
      limit: pageSize,
    });
    if (!isWanted()) return false;
    const behindLast = (items.at(-1)?.endOffset ?? -1) + 1;
    window.extend(items, nextCursor === undefined ? Math.max(behindLast, window.highWatermark) : behindLast);
    return true;
  }

  private keep(key: string, entry: Indexed): void {
    entry.window.trim(this.options.windowMax);
    this.indexed.set(key, entry, { size: Math.max(1, entry.window.size) });
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
