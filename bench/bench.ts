// What a bench is: something with a name that measures and tells what it found.
import type { Findings } from './harness/findings.ts';

/** What a bench is run with. */
export interface Stage {
  readonly rounds: number;
  readonly findings: Findings;
  /** The shared PostgreSQL with the settings of production, started when it is first asked for. */
  readonly postgresUrl: () => Promise<string>;
}

export interface Bench {
  readonly name: string;
  /** For `--help`. */
  readonly what: string;
  /** Run only when it is named: it takes minutes. */
  readonly isLong?: boolean;
  /** Loads only what it needs. */
  readonly load: () => Promise<(stage: Stage) => Promise<void>>;
}

/** All of them, in the order in which they run. */
export const benches: readonly Bench[] = [
  {
    name: 'lease',
    what: 'leases acquired and released, one by one and in sets',
    load: async () => (await import('./lease.bench.ts')).measureLeases,
  },
  {
    name: 'append',
    what: 'fenced appends',
    load: async () => (await import('./append.bench.ts')).measureAppends,
  },
  {
    name: 'offsets',
    what: 'committed offsets',
    load: async () => (await import('./offsets.bench.ts')).measureOffsets,
  },
  {
    name: 'heartbeat',
    what: 'heartbeats with 0, 10,000 and 100,000 leases held: time, rows, log',
    load: async () => (await import('./heartbeat.bench.ts')).measureHeartbeats,
  },
  {
    name: 'topics',
    what: 'a topic of 10,000 partitions: created, listed',
    load: async () => (await import('./topics.bench.ts')).measureTopics,
  },
  {
    name: 'segments',
    what: 'a segment found among 100,000',
    load: async () => (await import('./segments.bench.ts')).measureSegments,
  },
  {
    name: 'cache',
    what: 'lookups from memory beside a store; the memory they take',
    load: async () => (await import('./cache.bench.ts')).measureCache,
  },
  {
    name: 'planner',
    what: 'an assignment of 100,000 partitions to 1,000 agents',
    load: async () => (await import('./planner.bench.ts')).measurePlanner,
  },
  {
    name: 'events',
    what: 'events to 200 readers',
    load: async () => (await import('./events.bench.ts')).measureEvents,
  },
  {
    name: 'metrics',
    what: 'a scrape of an agent with 10,000 partitions',
    load: async () => (await import('./metrics.bench.ts')).measureMetrics,
  },
  {
    name: 'partitions',
    what: 'a topic of 10,000 partitions over HTTP, led by one agent; its memory',
    load: async () => (await import('./partitions.bench.ts')).measurePartitions,
  },
  {
    name: 'handoff',
    what: 'planned handoffs and graceful stops',
    load: async () => (await import('./handoff.bench.ts')).measureHandoffs,
  },
  {
    name: 'takeover',
    what: 'agents that end or are killed, by processes; as many kills as rounds',
    load: async () => (await import('./takeover.bench.ts')).measureTakeovers,
  },
  {
    name: 'scale',
    what: '100 agents with 10,000 partitions at rest; one of three with 10,000 each killed (docs/scale.md)',
    isLong: true,
    load: async () => (await import('./scale.bench.ts')).measureScale,
  },
  {
    name: 'footprint',
    what: 'what 1, 3 and 8 agents take at rest, and what the store grows by (docs/sizing.md)',
    isLong: true,
    load: async () => (await import('./footprint.bench.ts')).measureFootprint,
  },
  {
    name: 'copy',
    what: '`db copy` of 20,000 partitions and 200,000 segments, killed once',
    isLong: true,
    load: async () => (await import('./copy.bench.ts')).measureCopy,
  },
];
