// Whole clusters in one process, on simulated time. `npm run simulate` runs more seeds, and any of them again.
import { beforeAll, describe, expect, test } from 'vitest';
import { Totals, violationReport } from './report.ts';
import { simulate } from './run.ts';

/** As many as fit into the time that `npm test` has for them. */
const seeds = 60;

describe('clusters in all weathers', () => {
  const totals = new Totals();

  beforeAll(async () => {
    for (let seed = 1; seed <= seeds; seed += 1) {
      totals.add(await simulate(seed));
      // The test runner wants to be told that we live.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }, 600_000);

  test('keep every claim after every event', () => {
    expect(totals.seeds).toBe(seeds);
    expect(totals.failed.map(violationReport)).toEqual([]);
  });

  test('meet faults of every kind', () => {
    expect(totals.missing()).toEqual([]);
  });

  test('live through the same again from the same seed, and through something else from another', async () => {
    const again = async (seed: number) => (await simulate(seed)).traceHash;
    const first = [await again(7), await again(8), await again(9)];
    expect([await again(7), await again(8), await again(9)]).toEqual(first);
    expect(new Set(first).size).toBe(3);
  });
});
