// `npm run bench`: measures and prints; asserts nothing about time, because a busy machine would make it lie.
import { defineConfig } from 'vitest/config';
import { ClosingReporter } from './test/support/closing-reporter.ts';

export default defineConfig({
  test: {
    include: ['bench/**/*.bench.ts'],
    globalSetup: [],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 120_000,
    disableConsoleIntercept: true,
    reporters: ['default', new ClosingReporter()],
  },
});
