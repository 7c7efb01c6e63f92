// A group of tests that this run leaves out, and why.

export interface SuiteNotRun {
  readonly name: string;
  readonly reason: string;
}
