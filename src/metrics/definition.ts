// How an instrument is defined, and made from its definition. A definition is plain data: docs/metrics.md says the same.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** The values a label can have, or that they are open: names that people or the code choose. */
export type LabelValues = readonly string[] | 'open';

export interface Definition<K extends Kind = Kind, L extends string = string> {
  readonly kind: K;
  /** With the prefix. */
  readonly name: string;
  /** What it says, and of which moment where that is not the scrape's. */
  readonly help: string;
  readonly labels: Readonly<Record<L, LabelValues>>;
  /** What to look at or do when it is not as it should be. */
  readonly whenOff: string;
  /** Upper bounds; of histograms alone. */
  readonly buckets: readonly number[];
}

type Kind = 'gauge' | 'counter' | 'histogram';

interface About<L extends string> {
  readonly help: string;
  readonly labels?: Readonly<Record<L, LabelValues>>;
  readonly whenOff: string;
}

export const gauge = <L extends string = never>(name: string, about: About<L>): Definition<'gauge', L> =>
  define('gauge', name, about, []);

export const counter = <L extends string = never>(name: string, about: About<L>): Definition<'counter', L> =>
  define('counter', name, about, []);

export const histogram = <L extends string = never>(
  name: string,
  about: About<L> & { readonly buckets: readonly number[] },
): Definition<'histogram', L> => define('histogram', name, about, about.buckets);

function define<K extends Kind, L extends string>(
  kind: K,
  name: string,
  { help, labels, whenOff }: About<L>,
  buckets: readonly number[],
): Definition<K, L> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without labels L is never, and the empty record has them all
  const all = labels ?? ({} as Readonly<Record<L, LabelValues>>);
  return { kind, name: `streamhouse_${name}`, help, labels: all, whenOff, buckets };
}

/** A table of definitions, made into instruments of the same keys. */
export type Made<T> = {
  readonly [K in keyof T]: T[K] extends Definition<'gauge', infer L>
    ? Gauge<L>
    : T[K] extends Definition<'counter', infer L>
      ? Counter<L>
      : T[K] extends Definition<'histogram', infer L>
        ? Histogram<L>
        : never;
};

/** Makes all of them in `registry`. Where every label's values are closed, each combination is there from the start, at 0. */
export function make<T extends Readonly<Record<string, Definition>>>(table: T, registry: Registry): Made<T> {
  const made = Object.entries(table).map(([key, definition]) => [key, makeOne(definition, registry)]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each key has been made from its own definition
  return Object.fromEntries(made) as Made<T>;
}

function makeOne({ kind, name, help, labels, buckets }: Definition, registry: Registry) {
  const configuration = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  const closed = combinations(Object.entries(labels));
  if (kind === 'gauge') {
    const made = new Gauge(configuration);
    for (const values of closed) made.set(values, 0);
    return made;
  }
  if (kind === 'counter') {
    const made = new Counter(configuration);
    for (const values of closed) made.inc(values, 0);
    return made;
  }
  const made = new Histogram({ ...configuration, buckets: [...buckets] });
  for (const values of closed) made.zero(values);
  return made;
}

/** Every combination of values; none when one of the labels is open. */
function combinations(labels: readonly (readonly [string, LabelValues])[]): Record<string, string>[] {
  const [first, ...rest] = labels;
  if (first === undefined) return [{}];
  const [label, values] = first;
  if (values === 'open') return [];
  const others = combinations(rest);
  return values.flatMap((value) => others.map((other) => ({ [label]: value, ...other })));
}
