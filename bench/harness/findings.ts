// What the benches found: rows of times, single values, and what could not be measured. Goals and both reports are made of these.
import { medianOf, type Percentiles, percentilesOf } from './percentiles.ts';
import type { Rounds, Sample } from './rounds.ts';

/** One thing done in one way. */
export interface TimeRow {
  /** `postgres lease acquire c=16`: bench and thing, as goals name it. */
  readonly what: string;
  /** `store` is ours; others are what it is compared with. */
  readonly way: string;
  readonly ms: Percentiles;
  /** Operations per second, the median of the rounds; null where one at a time says it all. */
  readonly perSecond: number | null;
  /** Processor time of this process for one operation, microseconds, the median of the rounds; null where it was not taken. */
  readonly cpuUs: number | null;
  /** Against each other way of the same thing, round by round, and of those the median. */
  readonly against: Readonly<Record<string, { readonly throughput: number; readonly time: number }>>;
}

export interface Value {
  readonly what: string;
  readonly amount: number;
  readonly unit: string;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly TimeRow[];
  readonly values: readonly Value[];
  readonly notes: readonly string[];
}

/** Something that this machine lacks, or that went wrong: `etcd`, and why. */
export interface Lacking {
  readonly what: string;
  readonly why: string;
}

export class Findings {
  readonly sections: Section[] = [];
  readonly lacking: Lacking[] = [];
  private readonly onSection: (section: Section) => void;

  constructor(onSection: (section: Section) => void = () => undefined) {
    this.onSection = onSection;
  }

  add(section: Partial<Section> & Pick<Section, 'title'>): void {
    const whole = { rows: [], values: [], notes: [], ...section };
    this.sections.push(whole);
    this.onSection(whole);
  }

  lacks(what: string, why: string): void {
    if (this.lacking.some((each) => each.what === what)) return;
    this.lacking.push({ what, why });
  }

  row(what: string, way: string): TimeRow | undefined {
    return this.sections.flatMap(({ rows }) => rows).find((row) => row.what === what && row.way === way);
  }

  value(what: string): number | undefined {
    return this.sections.flatMap(({ values }) => values).find((value) => value.what === what)?.amount;
  }
}

export interface RowOptions {
  /** Prefix of each thing's name: `postgres lease `. */
  readonly prefix?: string;
  readonly suffix?: string;
  /** Whether operations per second mean something. Default false. */
  readonly counts?: boolean;
}

/** Everything that the rounds measured, each way beside the others. */
export function rowsOf<Way extends string, What extends string>(
  rounds: Rounds<Way, What>,
  { prefix = '', suffix = '', counts = false }: RowOptions = {},
): TimeRow[] {
  const ways = [...rounds.keys()];
  const turnsOf = (way: Way) => rounds.get(way) ?? [];
  const [first] = [...rounds.values()].flat();
  const things = first === undefined ? [] : keysOf(first);
  return things.flatMap((thing) =>
    ways.map((way): TimeRow => {
      const samples = turnsOf(way).map((turn) => turn[thing]);
      const others = ways.filter((other) => other !== way);
      return {
        what: `${prefix}${thing}${suffix}`,
        way,
        ms: percentilesOf(samples.flatMap(({ ms }) => ms)),
        perSecond: counts ? medianOf(samples.map(rateOf)) : null,
        cpuUs: cpuOf(samples),
        against: Object.fromEntries(
          others.map((other) => [
            other,
            against(
              samples,
              turnsOf(other).map((turn) => turn[thing]),
            ),
          ]),
        ),
      };
    }),
  );
}

/** Times without a second way to compare them with. */
export function rowOf(what: string, ms: readonly number[], way = 'store'): TimeRow {
  return { what, way, ms: percentilesOf(ms), perSecond: null, cpuUs: null, against: {} };
}

function cpuOf(samples: readonly Sample[]): number | null {
  const each = samples.flatMap(({ ms, cpuMs }) => (cpuMs === undefined ? [] : [(cpuMs / ms.length) * 1_000]));
  return each.length === 0 ? null : medianOf(each);
}

function rateOf({ ms, tookMs }: Sample): number {
  return (ms.length / tookMs) * 1_000;
}

/** Of pairs from one round each: the machine was the same for both. */
function against(ours: readonly Sample[], theirs: readonly Sample[]) {
  const pairs = ours.flatMap((sample, round) => {
    const other = theirs[round];
    return other === undefined ? [] : [{ sample, other }];
  });
  return {
    throughput: medianOf(pairs.map(({ sample, other }) => rateOf(sample) / rateOf(other))),
    time: medianOf(pairs.map(({ sample, other }) => medianOf(sample.ms) / medianOf(other.ms))),
  };
}

function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(record).filter((key): key is K => key in record);
}
