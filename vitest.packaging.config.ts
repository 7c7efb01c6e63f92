// `npm run check:packaging`: the image's steps and the package's installation in full, with npm's registry; too long for `npm test`,
// which has their quick forms.
import { defineConfig } from 'vitest/config';
import { ClosingReporter } from './test/support/closing-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/packaging/*.whole.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    disableConsoleIntercept: true,
    reporters: ['default', new ClosingReporter()],
  },
});
