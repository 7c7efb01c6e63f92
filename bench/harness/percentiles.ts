// What a set of measured times says: by nearest rank, so that each figure is a time that was really seen.

export interface Percentiles {
  readonly runs: number;
  readonly min: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** All NaN where nothing was measured. */
export function percentilesOf(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return {
    runs: sorted.length,
    min: at(0),
    median: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: at(1),
  };
}

export function medianOf(values: readonly number[]): number {
  return percentilesOf(values).median;
}
