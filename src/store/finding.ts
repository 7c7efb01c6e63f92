// Port: what `streamhouse db doctor` finds, one verdict for each thing it looks at.

/**
 * `note`: worth knowing, nothing to do now; `warning`: works, and will hurt; `fail`: agents do not work on this store, or their
 * guarantees do not hold.
 */
export type Verdict = 'ok' | 'note' | 'warning' | 'fail';

export interface Finding {
  /** A short name that stays: scripts look for it. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What was seen, with figures. */
  readonly seen: string;
  /** What to do about it. */
  readonly todo?: string | undefined;
}

export function ok(check: string, seen: string): Finding {
  return { check, verdict: 'ok', seen };
}

export function found(check: string, verdict: Exclude<Verdict, 'ok'>, seen: string, todo: string): Finding {
  return { check, verdict, seen, todo };
}
