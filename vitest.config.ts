// How the tests run: real processes (forks), three at a time (they wait more than they work), against the servers that test/support/postgres-global.ts
// starts once.

import { defineConfig } from 'vitest/config';
import { ClosingReporter } from './test/support/closing-reporter.ts';
import { LongestFirst } from './test/support/longest-first.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres-global.ts'],
    pool: 'forks',
    maxWorkers: 3,
    // The files of a worker share what they import: tests that need a process of their own start one.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', new ClosingReporter()],
  },
});
