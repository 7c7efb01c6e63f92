// A group of tests that this run leaves out, and why.

export interface SuiteNotRun {
  readonly name: string;
  readonly reason: string;
}

declare module 'vitest' {
  interface TaskMeta {
    /** Set by a test whose file leaves a suite out that only its worker could look for. */
    suiteNotRun?: SuiteNotRun;
  }
}
