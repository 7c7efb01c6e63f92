// The store as clients read it: topics, partitions, lease routes and places of offsets from memory while signals say what changed. What an agent
// decides by never comes this way (it has the store itself), and a fence is checked in the write's own statement.
import { leaseKeyText, type LeaseKey } from '../../domain/lease.ts';
import type { Partition, Topic } from '../../domain/topic.ts';
import type { Clock } from '../../platform/clock.ts';
import type { SignalKind, Signals } from '../../signals/signals.ts';
import type { LeaseView } from '../leases.ts';
import type { MetadataStore } from '../metadata-store.ts';
import type { CacheName, CacheResult } from './cache-names.ts';
import { ReadCache } from './read-cache.ts';
import { SegmentIndex } from './segment-index.ts';

export interface CacheDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly signals: Pick<Signals, 'subscribe' | 'health'>;
  readonly count: (cache: CacheName, result: CacheResult) => void;
}

/** Entries in each of the three caches. */
const entriesMax = 20_000;
/** What signals tell of is read again after so long all the same, milliseconds: a signal may be lost. */
const toldMaxAgeMs = 1_000;
/** What appends change is told to nobody: a high watermark is at most so old, milliseconds. */
const untoldMaxAgeMs = 100;

const segmentLimits = { segmentsMax: 200_000, windowMax: 20_000, pageSize: 256 };

export class StoreCache implements Disposable {
  /** Reads from memory what it can, and forgets what its own writes change. */
  readonly store: MetadataStore;
  private readonly real: MetadataStore;
  private readonly deps: CacheDeps;
  private readonly topics: ReadCache<Topic | undefined>;
  private readonly partitions: ReadCache<Partition | undefined>;
  private readonly leases: ReadCache<LeaseView | undefined>;
  private readonly segments: SegmentIndex;
  private readonly unsubscribe: () => void;

  constructor(real: MetadataStore, deps: CacheDeps) {
    const { clock, signals, count } = deps;
    this.real = real;
    this.deps = deps;
    const counting = (cache: CacheName) => (result: CacheResult) => count(cache, result);
    const told = { max: entriesMax, maxAgeMs: toldMaxAgeMs, clock };
    this.topics = new ReadCache({ ...told, count: counting('topic') });
    this.leases = new ReadCache({ ...told, count: counting('lease') });
    this.partitions = new ReadCache({ ...told, maxAgeMs: untoldMaxAgeMs, count: counting('partition') });
    this.segments = new SegmentIndex(real, {
      ...segmentLimits,
      clock,
      count: counting('segment'),
      tailRestMs: untoldMaxAgeMs,
      maxAgeMs: toldMaxAgeMs,
    });
    this.unsubscribe = signals.subscribe((kind) => this.hear(kind));
    this.store = this.overlay();
  }

  [Symbol.dispose](): void {
    this.unsubscribe();
  }

  private hear(kind: SignalKind): void {
    switch (kind) {
      case 'topics':
      case 'resync':
        this.forgetTopics();
        break;
      case 'membership':
      case 'leases':
      case 'routes':
        this.leases.forgetAll();
        break;
      case 'segments':
        this.partitions.forgetAll();
        this.segments.endsMoved();
        break;
      case 'assignment':
      case 'session':
      case 'ping':
        break;
    }
  }

  /** A topic that comes or goes takes its partitions, its segments and its leases along. */
  private forgetTopics(): void {
    this.topics.forgetAll();
    this.partitions.forgetAll();
    this.leases.forgetAll();
    this.segments.forgetAll();
  }

  private forgetEnds(topic: string, partition: number): void {
    this.partitions.forget(partitionText(topic, partition));
    this.segments.endsMoved(topic, partition);
  }

  /** Whether changes are told of: without signals nothing may be kept. */
  private isTold(cache: CacheName): boolean {
    if (this.deps.signals.health().ok) return true;
    this.deps.count(cache, 'bypass');
    return false;
  }

  private overlay(): MetadataStore {
    const { real } = this;
    const own: Partial<MetadataStore> = { ...this.reads(), ...this.writes() };
    return new Proxy(real, {
      get: (target, name): unknown => Reflect.get(Object.hasOwn(own, name) ? own : target, name),
    });
  }

  private reads() {
    const { real } = this;
    return {
      getTopic: async (name) => {
        if (!this.isTold('topic')) return real.getTopic(name);
        return (await this.topics.get(name, () => real.getTopic(name))).value;
      },
      getPartition: async (topic, partition) => {
        const read = () => real.getPartition(topic, partition);
        if (!this.isTold('partition')) return read();
        return (await this.partitions.get(partitionText(topic, partition), read)).value;
      },
      getLease: async (key: LeaseKey) => {
        if (!this.isTold('lease')) return real.getLease(key);
        const { value, ageMs } = await this.leases.get(leaseKeyText(key), () => real.getLease(key));
        return value && aged(value, ageMs);
      },
      findSegment: async (topic, partition, offset) =>
        this.isTold('segment')
          ? this.segments.find(topic, partition, offset)
          : real.findSegment(topic, partition, offset),
    } satisfies Partial<MetadataStore>;
  }

  /** Forgotten also when the outcome is not known: what was asked for may have happened. */
  private writes() {
    const { real } = this;
    const thenForget = async <T>(work: Promise<T>, forget: () => void): Promise<T> => {
      try {
        return await work;
      } finally {
        forget();
      }
    };
    return {
      createTopic: (topic) => thenForget(real.createTopic(topic), () => this.forgetTopics()),
      deleteTopic: (name) => thenForget(real.deleteTopic(name), () => this.forgetTopics()),
      addPartitions: (name, count) => thenForget(real.addPartitions(name, count), () => this.forgetTopics()),
      appendSegments: async (fence, topic, partition, segments) => {
        const answer = await real.appendSegments(fence, topic, partition, segments);
        this.partitions.forget(partitionText(topic, partition));
        if (answer.outcome === 'appended')
          this.segments.appended(topic, partition, answer.segments, answer.highWatermark);
        return answer;
      },
      advanceHighWatermark: (fence, topic, partition, offset) =>
        thenForget(real.advanceHighWatermark(fence, topic, partition, offset), () =>
          this.forgetEnds(topic, partition),
        ),
      deleteSegmentsBefore: (topic, partition, before, limit) =>
        thenForget(real.deleteSegmentsBefore(topic, partition, before, limit), () =>
          this.forgetEnds(topic, partition),
        ),
      releaseLeases: (sessionId, terms, reason) =>
        thenForget(real.releaseLeases(sessionId, terms, reason), () => this.leases.forgetAll()),
    } satisfies Partial<MetadataStore>;
  }
}

/** What is left of the holder's time has become less meanwhile. */
function aged(lease: LeaseView, ageMs: number): LeaseView {
  return lease.expiresInMs === null
    ? lease
    : { ...lease, expiresInMs: lease.expiresInMs - Math.round(ageMs) };
}

function partitionText(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
