// The verdict: what must be true of everything the demo recorded and read back. Pure functions, each with a test that feeds it a
// bad history (test/e2e/demo-checks.test.ts): a check that cannot fail proves nothing.
import {
  acknowledgedAreStored,
  contiguous,
  epochsNeverDecreaseAlongOffsets,
  nothingForeignStored,
} from './checks/segments.ts';
import {
  epochsNeverGoBack,
  neverTwoHolders,
  oneHolderPerEpoch,
  trustOutlivesNobody,
} from './checks/terms.ts';
import { departuresTakeOnlyTheirOwn, noSurprises, zombiesAreRefused } from './checks/events.ts';
import type { Check, CheckResult } from './checks/check.ts';
import type { Evidence } from './history.ts';

const checks: readonly Check[] = [
  contiguous,
  acknowledgedAreStored,
  nothingForeignStored,
  epochsNeverDecreaseAlongOffsets,
  neverTwoHolders,
  epochsNeverGoBack,
  oneHolderPerEpoch,
  trustOutlivesNobody,
  departuresTakeOnlyTheirOwn,
  zombiesAreRefused,
  noSurprises,
];

export function checkAll(evidence: Evidence): CheckResult[] {
  return checks.map((check) => demandSomething(check(evidence)));
}

/** A claim about nothing is true of anything: with nothing counted, the check has failed. */
function demandSomething(result: CheckResult): CheckResult {
  if (result.counted > 0 || result.violations.length > 0) return result;
  return { ...result, violations: ['nothing was recorded that could be checked'] };
}
