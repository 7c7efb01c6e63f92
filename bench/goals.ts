// The goals of "Speed and scale", as data, and what a run says of each.
import type { Findings } from './harness/findings.ts';

/** Which number of a row counts: `time` and `throughput` are ratios to the way `to`, the median of the rounds. */
type Source =
  | {
      readonly of: 'ratio';
      readonly rows: readonly string[];
      readonly to: string;
      readonly by: 'time' | 'throughput';
      /** Default: `store`. */
      readonly way?: string;
    }
  | { readonly of: 'median' | 'max' | 'perSecond'; readonly rows: readonly string[] }
  | { readonly of: 'value'; readonly values: readonly string[] };

export interface Goal {
  readonly what: string;
  readonly bound: { readonly atLeast: number } | { readonly atMost: number };
  readonly unit: string;
  /** All of its rows or values are asked for, and the worst of them counts. */
  readonly source: Source;
  /** What it takes, where that is more than to run its bench. */
  readonly needs?: 'etcd';
  /** The bench that measures it. */
  readonly by: string;
}

export interface Verdict {
  readonly what: string;
  readonly bound: Goal['bound'];
  readonly unit: string;
  readonly measured: number | null;
  /** Null: it was not measured, and `why` says why. */
  readonly reached: boolean | null;
  readonly why: string | null;
}

const oneByOne = [1, 16, 64].flatMap((c) => [
  `postgres lease acquire c=${c}`,
  `postgres lease release c=${c}`,
]);
const beaten = ['0', '10,000', '100,000'].map((held) => `heartbeat with ${held} held`);

export const goals: readonly Goal[] = [
  {
    what: 'one compare-and-set (a lease acquired, released) through the whole store layer / the same SQL through raw pg',
    bound: { atLeast: 0.85 },
    unit: '× throughput',
    source: { of: 'ratio', rows: oneByOne, to: 'pg', by: 'throughput' },
    by: 'lease',
  },
  {
    what: 'the same (a fenced append)',
    bound: { atLeast: 0.85 },
    unit: '× throughput',
    source: {
      of: 'ratio',
      rows: [1, 16, 64].map((c) => `postgres append c=${c}`),
      to: 'pg',
      by: 'throughput',
    },
    by: 'append',
  },
  {
    what: 'one compare-and-set / a transaction of etcd, at every concurrency',
    bound: { atLeast: 1.8 },
    unit: '× throughput',
    source: { of: 'ratio', rows: oneByOne, to: 'etcd', by: 'throughput' },
    needs: 'etcd',
    by: 'lease',
  },
  {
    what: '10,000 leases acquired at once / 10,000 transactions of etcd: time',
    bound: { atMost: 1 / 30 },
    unit: '×',
    source: { of: 'ratio', rows: ['postgres lease acquire set=10000'], to: 'etcd', by: 'time' },
    needs: 'etcd',
    by: 'lease',
  },
  {
    what: '10,000 leases acquired at once / the same statements through raw pg: time',
    bound: { atMost: 1.3 },
    unit: '×',
    source: { of: 'ratio', rows: ['postgres lease acquire set=10000'], to: 'pg', by: 'time' },
    by: 'lease',
  },
  {
    what: 'rows written by a heartbeat',
    bound: { atMost: 1 },
    unit: 'rows',
    source: { of: 'value', values: beaten.map((each) => `${each}: rows written`) },
    by: 'heartbeat',
  },
  {
    what: 'heartbeats that are heap-only',
    bound: { atLeast: 99 },
    unit: '%',
    source: { of: 'value', values: beaten.map((each) => `${each}: heap-only`) },
    by: 'heartbeat',
  },
  {
    what: 'a heartbeat with 100,000 leases held / with none: time',
    bound: { atMost: 1.1 },
    unit: '×',
    source: {
      of: 'ratio',
      rows: ['postgres heartbeat'],
      way: 'store, 100,000 held',
      to: 'store',
      by: 'time',
    },
    by: 'heartbeat',
  },
  {
    what: 'offset commits, 1,000 under way / raw pg, one statement each',
    bound: { atLeast: 5 },
    unit: '× throughput',
    source: { of: 'ratio', rows: ['postgres offset commit c=1000'], to: 'pg', by: 'throughput' },
    by: 'offsets',
  },
  {
    what: 'offset commits, 1,000 under way',
    bound: { atLeast: 40_000 },
    unit: 'per second',
    source: { of: 'perSecond', rows: ['postgres offset commit c=1000'] },
    by: 'offsets',
  },
  {
    what: 'a topic with 10,000 partitions created',
    bound: { atMost: 200 },
    unit: 'ms',
    source: { of: 'median', rows: ['postgres topic create'] },
    by: 'topics',
  },
  {
    what: 'its 10,000 partitions, and their leases, listed',
    bound: { atMost: 60 },
    unit: 'ms',
    source: { of: 'median', rows: ['postgres topic list of partitions', 'postgres topic list of leases'] },
    by: 'topics',
  },
  {
    what: 'a segment found among 100,000 (hit, gap, tail) / a row read by its primary key through raw pg: time',
    bound: { atMost: 1.3 },
    unit: '×',
    source: {
      of: 'ratio',
      rows: ['hit', 'gap', 'tail'].map((place) => `postgres find ${place} c=1`),
      to: 'pg',
      by: 'time',
    },
    by: 'segments',
  },
  {
    what: 'a segment found in the index',
    bound: { atMost: 5 },
    unit: 'µs',
    source: { of: 'value', values: ['segment found in the index'] },
    by: 'cache',
  },
  {
    what: 'a cached read',
    bound: { atMost: 5 },
    unit: 'µs',
    source: { of: 'value', values: ['cached read'] },
    by: 'cache',
  },
  {
    what: 'statements of 100 agents with 10,000 partitions at rest',
    bound: { atMost: 80 },
    unit: 'per second',
    source: { of: 'value', values: ['statements of 100 agents at rest'] },
    by: 'scale',
  },
  {
    what: 'rows written at rest per partition',
    bound: { atMost: 0 },
    unit: 'rows',
    source: { of: 'value', values: ['rows written at rest per partition'] },
    by: 'scale',
  },
  {
    what: '10,000 partitions of one dead agent led again, after its death was noticed',
    bound: { atMost: 500 },
    unit: 'ms',
    source: { of: 'median', rows: ['10,000 partitions: from the reap until all are led'] },
    by: 'takeover',
  },
  {
    what: 'the same, one of three agents with 10,000 each, in the scale run',
    bound: { atMost: 500 },
    unit: 'ms',
    source: { of: 'median', rows: ['10,000 partitions of one of three: from the reap until all are led'] },
    by: 'scale',
  },
  {
    what: '100,000 partitions planned for 1,000 agents',
    bound: { atMost: 250 },
    unit: 'ms',
    source: { of: 'median', rows: ['plan: everything is new'] },
    by: 'planner',
  },
  {
    what: 'the longest stall of the event loop by any plan',
    bound: { atMost: 50 },
    unit: 'ms',
    source: { of: 'value', values: ['longest slice of any plan'] },
    by: 'planner',
  },
  {
    what: 'an idle agent’s memory',
    bound: { atMost: 120 },
    unit: 'MB',
    source: { of: 'value', values: ['memory of an idle agent'] },
    by: 'partitions',
  },
  {
    what: 'an agent’s memory per 10,000 partitions held',
    bound: { atMost: 20 },
    unit: 'MB',
    source: { of: 'value', values: ['memory per 10,000 partitions held'] },
    by: 'partitions',
  },
];

/** Of a run of these benches. */
export function judge(goal: Goal, findings: Findings, ran: readonly string[]): Verdict {
  const { what, bound, unit } = goal;
  const numbers = numbersOf(goal.source, findings);
  if (numbers === undefined) {
    return { what, bound, unit, measured: null, reached: null, why: whyNot(goal, findings, ran) };
  }
  const measured = 'atLeast' in bound ? Math.min(...numbers) : Math.max(...numbers);
  const reached = 'atLeast' in bound ? measured >= bound.atLeast : measured <= bound.atMost;
  return { what, bound, unit, measured, reached, why: null };
}

function whyNot({ needs, by }: Goal, findings: Findings, ran: readonly string[]): string {
  const lacking = findings.lacking.find(({ what }) => what === needs || what === by);
  if (lacking !== undefined) return `not measured here: ${lacking.why}`;
  return ran.includes(by) ? 'not measured here' : `not measured here: npm run bench -- ${by}`;
}

/** Undefined when one of them is missing. */
function numbersOf(source: Source, findings: Findings): readonly number[] | undefined {
  const numbers =
    source.of === 'value'
      ? source.values.map((value) => findings.value(value))
      : source.rows.map((row) => numberOf(source, row, findings));
  const known = numbers.filter((number) => number !== undefined && !Number.isNaN(number));
  return known.length === numbers.length ? known.filter((number) => number !== undefined) : undefined;
}

function numberOf(
  source: Exclude<Source, { of: 'value' }>,
  what: string,
  findings: Findings,
): number | undefined {
  const row = findings.row(what, (source.of === 'ratio' ? source.way : undefined) ?? 'store');
  if (source.of === 'ratio') return row?.against[source.to]?.[source.by];
  if (source.of === 'perSecond') return row?.perSecond ?? undefined;
  return row?.ms[source.of];
}
