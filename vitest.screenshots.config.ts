// `SCREENSHOTS_DIR=… npm run screenshots`: the console page's views as pictures, light, dark and on a telephone, for people to look at.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/console/screenshots.ts'],
    globalSetup: ['test/support/postgres-global.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    disableConsoleIntercept: true,
  },
});
