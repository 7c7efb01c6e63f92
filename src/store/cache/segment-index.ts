// Where offsets lie, from memory: a window of segments for each partition that is read, filled by what was added since, bounded in all. At the
// end of a log, where consumers wait, the store is asked at most every `tailRestMs` for a partition, however many ask.
import { LRUCache } from 'lru-cache';
import type { OffsetLocation, Segment } from '../../domain/segment.ts';
import type { Clock } from '../../platform/clock.ts';
import { SingleFlight } from '../../platform/single-flight.ts';
import type { SegmentStore } from '../segments.ts';
import type { CacheResult } from './cache-names.ts';
import { SegmentWindow } from './segment-window.ts';

export interface SegmentIndexOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly count: (result: CacheResult) => void;
  /** Segments in all windows together; a window itself counts as two. */
  readonly segmentsMax: number;
  /** Segments in one window: the last ones stay. */
  readonly windowMax: number;
  /** Segments read at once when a window begins, where one may be all that is asked for. */
  readonly firstPage: number;
  /** Segments read at once when it grows. */
  readonly page: number;
  /** How long the end of a log is believed, milliseconds: appends of other agents are told to nobody. */
  readonly tailRestMs: number;
  /** How long what lies before the end is believed without a look at the store, milliseconds. */
  readonly maxAgeMs: number;
}

interface Indexed {
  readonly window: SegmentWindow;
  /** When the store was last asked for the log's ends; −∞ when it must be asked again. Monotonic. */
  endsAskedMs: number;
  /** Whether it has answered anything since somebody asked for what it does not contain. */
  isUsed: boolean;
}

/** What a load brought may lie elsewhere: it was somebody else's, or a change was heard of meanwhile. Then the store is asked itself. */
const loadsMax = 2;

export class SegmentIndex {
  private readonly store: Pick<SegmentStore, 'readLog' | 'findSegment'>;
  private readonly options: SegmentIndexOptions;
  private readonly indexed: LRUCache<string, Indexed>;
  private readonly loading = new SingleFlight<boolean>();
  private readonly finding = new SingleFlight<OffsetLocation>();

  constructor(store: Pick<SegmentStore, 'readLog' | 'findSegment'>, options: SegmentIndexOptions) {
    this.store = store;
    this.options = options;
    this.indexed = new LRUCache({ maxSize: options.segmentsMax });
  }

  /** Segments in memory. */
  get size(): number {
    let size = 0;
    for (const { window } of this.indexed.values()) size += window.size;
    return size;
  }

  /** As the store's own. */
  async find(topic: string, partition: number, offset: number): Promise<OffsetLocation> {
    const key = keyOf(topic, partition);
    const known = this.known(key, offset);
    this.options.count(known === undefined ? 'miss' : 'hit');
    if (known !== undefined) return known;
    for (let loads = 0; loads < loadsMax && !this.isElsewhere(key, offset); loads += 1) {
      const load = (isWanted: () => boolean) => this.load(topic, partition, offset, isWanted);
      if (!(await this.loading.run(key, load))) continue;
      // However old the answer is by now: it was not there yet when this was asked.
      const location = this.indexed.get(key)?.window.locate(offset);
      if (location !== undefined) return location;
    }
    return this.finding.run(`${key}@${offset}`, () => this.store.findSegment(topic, partition, offset));
  }

  /** Segments that were just stored. */
  appended(topic: string, partition: number, segments: readonly Segment[]): void {
    const key = keyOf(topic, partition);
    const entry = this.indexed.peek(key);
    // Ends that are being read may be from before, and would look as if the log had been set back.
    this.forgetReads(key);
    if (entry?.window.append(segments)) this.keep(key, entry);
    else if (entry !== undefined) entry.endsAskedMs = -Infinity;
  }

  /** The ends of this log may no longer be what they were. */
  endsMoved(topic: string, partition: number): void {
    const key = keyOf(topic, partition);
    this.forgetReads(key);
    const entry = this.indexed.peek(key);
    if (entry !== undefined) entry.endsAskedMs = -Infinity;
  }

  /** Any log may have been changed, or be another one: each is looked at before it is used again, and kept as far as it is the same. */
  allMoved(): void {
    this.loading.forgetAll();
    this.finding.forgetAll();
    for (const entry of this.indexed.values()) entry.endsAskedMs = -Infinity;
  }

  forgetAll(): void {
    this.loading.forgetAll();
    this.finding.forgetAll();
    this.indexed.clear();
  }

  private known(key: string, offset: number): OffsetLocation | undefined {
    const entry = this.indexed.get(key);
    if (entry === undefined) return undefined;
    const { clock, tailRestMs, maxAgeMs } = this.options;
    const ageMs = clock.monotonicMs() - entry.endsAskedMs;
    if (ageMs > maxAgeMs) return undefined;
    const location = entry.window.locate(offset);
    if (location === undefined) return undefined;
    if (ageMs > tailRestMs && entry.window.isAtEnd(location)) return undefined;
    entry.isUsed = true;
    return location;
  }

  /**
   * Whether the window is of no use for this offset and stays with those who use it: somebody reads what is long past, or far ahead. When
   * nobody has used it since somebody was last told so, it is his.
   */
  private isElsewhere(key: string, offset: number): boolean {
    const entry = this.indexed.peek(key);
    if (entry === undefined || !isOutside(entry.window, offset) || !entry.isUsed) return false;
    entry.isUsed = false;
    return true;
  }

  /** Who asks from now on does not share a read that may be from before a change. */
  private forgetReads(key: string): void {
    this.loading.forget(key);
    this.finding.forgetAll();
  }

  /**
   * Reads what was added since the window's end, or begins another window at `offset`. False when a change was heard of meanwhile (`isWanted`):
   * then what was read may be from before it, and nothing of it is kept.
   */
  private async load(
    topic: string,
    partition: number,
    offset: number,
    isWanted: () => boolean,
  ): Promise<boolean> {
    const key = keyOf(topic, partition);
    const { clock, page, firstPage } = this.options;
    const endsAskedMs = clock.monotonicMs();
    const entry = this.indexed.peek(key);
    const grows = entry !== undefined && !isOutside(entry.window, offset);
    const [from, limit] = grows ? [entry.window.to, page] : [offset, firstPage];
    const part = await this.store.readLog(topic, partition, from, limit);
    if (!isWanted()) return false;
    if (!grows) this.keep(key, { window: new SegmentWindow(part, offset), endsAskedMs, isUsed: true });
    else if (entry.window.take(part)) {
      entry.endsAskedMs = endsAskedMs;
      this.keep(key, entry);
    } else this.indexed.delete(key);
    return true;
  }

  private keep(key: string, entry: Indexed): void {
    entry.window.trim(this.options.windowMax);
    // Another object each time: the size of a value that is there already would stay as it was.
    this.indexed.set(key, { ...entry }, { size: entry.window.size + 2 });
  }
}

/** Neither in the window nor just behind it. What lies before the start is for the ends to tell. */
function isOutside(window: SegmentWindow, offset: number): boolean {
  if (offset < window.startOffset) return false;
  return offset < window.from || (offset >= window.to && !window.isNext(offset));
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
