// What clients look up, from memory while signals say what changed.
import { leaseKeyText, partitionKey, type PartitionKey } from '../../domain/lease.ts';
import type { OffsetLocation } from '../../domain/segment.ts';
import type { Partition, Topic } from '../../domain/topic.ts';
import type { Clock } from '../../platform/clock.ts';
import type { SignalKind } from '../../signals/signals.ts';
import type { LeaseView } from '../leases.ts';
import type { Lookups } from '../lookups.ts';
import type { MetadataStore } from '../metadata-store.ts';
import type { CacheName, CacheResult } from './cache-names.ts';
import { ReadCache } from './read-cache.ts';
import { SegmentIndex } from './segment-index.ts';

export interface CachedLookupsDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Whether changes that this kind of signal tells of are told: while they are not, nothing of them may be answered from memory. */
  readonly tellsOf: (kind: SignalKind) => boolean;
  readonly count: (cache: CacheName, result: CacheResult) => void;
}

/** Entries of each of the three caches. What they take: domain/README.md. */
const entriesMax = 20_000;
/** A topic's configuration may be long: each of so many bytes counts as another entry. */
const configBytesOfEntry = 512;
/** What signals tell of is read again after so long all the same, milliseconds: a signal may be lost. */
const toldMaxAgeMs = 1_000;
/** What appends change is told to nobody, there would be too much to tell: so old it may be, milliseconds. */
const untoldMaxAgeMs = 100;

/** What tells of another agent's changes. */
const tellingOf: Readonly<Record<CacheName, SignalKind>> = {
  topic: 'topics',
  partition: 'segments',
  lease: 'routes',
  segment: 'segments',
};

const indexBounds = {
  segmentsMax: 25_000,
  windowMax: 10_000,
  firstPage: 32,
  page: 256,
  tailRestMs: untoldMaxAgeMs,
  maxAgeMs: toldMaxAgeMs,
};

export class CachedLookups implements Lookups {
  private readonly real: MetadataStore;
  private readonly deps: CachedLookupsDeps;
  private readonly topics: ReadCache<Topic | undefined>;
  private readonly partitions: ReadCache<Partition | undefined>;
  private readonly leases: ReadCache<LeaseView | undefined>;
  private readonly segments: SegmentIndex;

  constructor(real: MetadataStore, deps: CachedLookupsDeps) {
    const { clock, count } = deps;
    this.real = real;
    this.deps = deps;
    const counting = (cache: CacheName) => ({ clock, count: (result: CacheResult) => count(cache, result) });
    const bounds = { sizeMax: entriesMax, maxAgeMs: () => toldMaxAgeMs };
    this.topics = new ReadCache({ ...bounds, ...counting('topic'), sizeOf: topicSize });
    this.partitions = new ReadCache({ ...bounds, ...counting('partition'), maxAgeMs: () => untoldMaxAgeMs });
    this.leases = new ReadCache({ ...bounds, ...counting('lease'), maxAgeMs: routeMaxAgeMs });
    this.segments = new SegmentIndex(real, { ...indexBounds, ...counting('segment') });
  }

  async getTopic(name: string): Promise<Topic | undefined> {
    const read = () => this.real.getTopic(name);
    return this.isTold('topic') ? (await this.topics.get(name, read)).value : read();
  }

  async getPartition(topic: string, partition: number): Promise<Partition | undefined> {
    const read = () => this.real.getPartition(topic, partition);
    if (!this.isTold('partition')) return read();
    return (await this.partitions.get(textOf(topic, partition), read)).value;
  }

  async getLease(key: PartitionKey): Promise<LeaseView | undefined> {
    const read = () => this.real.getLease(key);
    if (!this.isTold('lease')) return read();
    const { value, askedMs } = await this.leases.get(leaseKeyText(key), read);
    return value && aged(value, this.deps.clock.monotonicMs() - askedMs);
  }

  findSegment(topic: string, partition: number, offset: number): Promise<OffsetLocation> {
    return this.isTold('segment')
      ? this.segments.find(topic, partition, offset)
      : this.real.findSegment(topic, partition, offset);
  }

  /** What a signal says may have changed. */
  hear(kind: SignalKind): void {
    switch (kind) {
      case 'topics':
      case 'written':
      case 'resync':
        this.topicsChanged();
        break;
      case 'membership':
      case 'leases':
      case 'routes':
        this.leasesChanged();
        break;
      case 'segments':
        this.logsChanged();
        break;
      case 'vacancy':
      case 'assignment':
      case 'session':
      case 'ping':
        break;
    }
  }

  /** A topic that comes or goes takes its partitions, its segments and its leases along. */
  topicsChanged(): void {
    this.topics.forgetAll();
    this.leasesChanged();
    this.logsChanged();
  }

  leasesChanged(): void {
    this.leases.forgetAll();
  }

  logsChanged(): void {
    this.partitions.forgetAll();
    this.segments.allMoved();
  }

  leaseChanged(key: PartitionKey): void {
    this.leases.forget(leaseKeyText(key));
  }

  logChanged({ topic, partition }: Pick<PartitionKey, 'topic' | 'partition'>): void {
    this.partitions.forget(textOf(topic, partition));
    this.segments.endsMoved(topic, partition);
  }

  appended(topic: string, partition: number, segments: Parameters<SegmentIndex['appended']>[2]): void {
    this.partitions.forget(textOf(topic, partition));
    this.segments.appended(topic, partition, segments);
  }

  /** Whatever is known is of a time that may have been taken back. */
  everythingChanged(): void {
    this.topicsChanged();
    this.segments.forgetAll();
  }

  private isTold(cache: CacheName): boolean {
    if (this.deps.tellsOf(tellingOf[cache])) return true;
    this.deps.count(cache, 'bypass');
    return false;
  }
}

function textOf(topic: string, partition: number): string {
  return leaseKeyText(partitionKey(topic, partition));
}

function topicSize(topic: Topic | undefined): number {
  if (topic === undefined) return 1;
  return 1 + Math.floor(JSON.stringify(topic.config).length / configBytesOfEntry);
}

/** Half of the time that its holder's session had left: heartbeats, which are told to nobody, prolong it. */
function routeMaxAgeMs(lease: LeaseView | undefined): number {
  return Math.min(toldMaxAgeMs, (lease?.expiresInMs ?? Infinity) / 2);
}

/** What is left of the holder's time has become less meanwhile. */
function aged(lease: LeaseView, ageMs: number): LeaseView {
  const { expiresInMs } = lease;
  return expiresInMs === null ? lease : { ...lease, expiresInMs: expiresInMs - Math.round(ageMs) };
}
