// The mutants' run: started by test/mutants/mutants.test.ts, which judges its report. Its tests are meant to fail.

import { join } from 'node:path';
import process from 'node:process';
import { defineConfig } from 'vitest/config';
import { control, statementMutants } from './test/mutants/list.ts';
import { projectOf, projectThatDeclares } from './test/mutants/projects.ts';
import { ReportWriter } from './test/mutants/report-writer.ts';
import { mutantsToRun } from './test/mutants/selection.ts';

const directory = process.env['MUTANTS_DIRECTORY'] ?? '';

export default defineConfig({
  test: {
    projects: [...[control, ...mutantsToRun].map(projectOf), projectThatDeclares(statementMutants)],
    maxWorkers: 2,
    experimental: { fsModuleCache: true, fsModuleCachePath: join(directory, 'modules') },
    reporters: [new ReportWriter(join(directory, 'report.json'))],
  },
});
