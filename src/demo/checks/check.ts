// What a check is, and what it answers.
import type { Evidence } from '../history.ts';

export interface CheckResult {
  /** Read behind the number of things counted: `1,234 segments contiguous …`. */
  readonly claim: string;
  readonly counted: number;
  readonly violations: readonly string[];
}

export type Check = (evidence: Evidence) => CheckResult;
