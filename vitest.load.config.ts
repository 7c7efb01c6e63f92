// The long load runs, apart from `npm test`: started by test/load/load.ts and
// test/chaos/chaos.ts, which pass their arguments in the environment.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/load/*.load.ts', 'test/chaos/*.load.ts'],
    globalSetup: ['test/support/postgres-global.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
});
