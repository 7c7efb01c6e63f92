// The order of the test files: those that take longest begin first, so that at the end no worker is alone with one of them. Vitest would
// know from the last run; on a fresh clone it goes by the size of the files, and the longest test of all is one of the smallest files.
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** Those of 15 s and more, longest first, on 2 cores; what is not named follows in Vitest's own order. */
export const longFiles: readonly string[] = [
  'test/mutants/mutants.test.ts',
  'test/simulation/simulation.test.ts',
  'test/store/contract.test.ts',
  'test/e2e/broker-load.test.ts',
  'test/console/page.test.ts',
  'test/cli/campaign.test.ts',
  'test/e2e/demo.test.ts',
  'test/e2e/elections.test.ts',
  'test/e2e/doors.test.ts',
  'test/e2e/grants.test.ts',
  'test/coordination/elections-of-agents.test.ts',
  'test/e2e/takeover.test.ts',
  'test/http/fuzz.test.ts',
  'test/cli/completion.test.ts',
  'test/prometheus/live.test.ts',
  'test/e2e/deploy-hooks.test.ts',
  'test/coordination/takeover.test.ts',
  'test/packaging/image.test.ts',
  'test/support/postgres-server.test.ts',
  'test/e2e/dead-agent.test.ts',
];

/** Those of `longFiles` in its order, then the others as they come. `pathOf`: relative to the project. */
export function longestFirst<File>(files: readonly File[], pathOf: (file: File) => string): File[] {
  const rank = (file: File): number => {
    const at = longFiles.indexOf(pathOf(file));
    return at < 0 ? longFiles.length : at;
  };
  return [...files].sort((a, b) => rank(a) - rank(b));
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    return longestFirst(await super.sort(files), ({ moduleId }) => moduleId.slice(root.length + 1));
  }
}
