// The verdict: what must be true of everything the demo recorded and read back. Pure functions, each with a test that feeds it a
// bad history (test/load/record-checks.test.ts, test/e2e/demo-checks.test.ts): a check that cannot fail proves nothing.
import { type Check, type CheckResult, judge } from './checks/check.ts';
import { handoffsAreAcknowledged, passagesTakeOnlyTheirOwn } from './checks/passages.ts';
import { checkRecords } from './checks/records.ts';
import { brokersTakeTurns, epochsNeverGoBack, neverTwoHolders, oneHolderPerEpoch } from './checks/terms.ts';
import type { Evidence } from './history.ts';

const checks: readonly Check<Evidence>[] = [
  neverTwoHolders,
  brokersTakeTurns,
  epochsNeverGoBack,
  oneHolderPerEpoch,
  passagesTakeOnlyTheirOwn,
  handoffsAreAcknowledged,
];

export function checkAll(evidence: Evidence): CheckResult[] {
  return [...checkRecords(evidence), ...judge(checks, evidence)];
}
