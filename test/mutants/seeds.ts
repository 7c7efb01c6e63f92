// The simulation as a killer of mutants: one seed after the other, until a claim breaks.
import { expect, test } from 'vitest';
import { violationReport } from '../simulation/report.ts';
import { simulate } from '../simulation/run.ts';

/** A mutant that lives through as many is none that the simulation kills. */
const seedsMax = 120;
/** On a machine that is busy with others. */
const timeoutMs = 600_000;

test(
  'every claim holds in all weathers',
  async () => {
    for (let seed = 1; seed <= seedsMax; seed += 1) {
      const outcome = await simulate(seed);
      expect(violationReport(outcome)).toBe(`seed ${seed}: every claim held`);
      // The test runner wants to be told that we live.
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
  timeoutMs,
);
