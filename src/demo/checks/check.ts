// What a check is, and what it answers.

export interface CheckResult {
  /** Read behind the number of things counted: `1,234 records …`. */
  readonly claim: string;
  readonly counted: number;
  readonly violations: readonly string[];
}

export type Check<Evidence> = (evidence: Evidence) => CheckResult;

/** A claim about nothing is true of anything: with nothing counted, the check has failed. */
export function judge<Evidence>(checks: readonly Check<Evidence>[], evidence: Evidence): CheckResult[] {
  return checks.map((check) => {
    const result = check(evidence);
    if (result.counted > 0 || result.violations.length > 0) return result;
    return { ...result, violations: ['nothing was recorded that could be checked'] };
  });
}
