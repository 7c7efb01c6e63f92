// `npm run model`: every question that test/model/catalogue.ts has for spin; `npm test` asks the quick ones.
import { defineConfig } from 'vitest/config';
import { ClosingReporter } from './test/support/closing-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/model/*.whole.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 7_200_000,
    disableConsoleIntercept: true,
    reporters: ['default', new ClosingReporter()],
  },
});
