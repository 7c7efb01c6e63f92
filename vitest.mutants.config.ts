// The mutants' run: started by test/mutants/mutants.test.ts, which judges its report. Its tests are meant to fail.

import process from 'node:process';
import { defineConfig } from 'vitest/config';
import { control, sourceMutants, statementMutants } from './test/mutants/list.ts';
import { projectOf, projectThatDeclares } from './test/mutants/projects.ts';
import { ReportWriter } from './test/mutants/report-writer.ts';

export default defineConfig({
  test: {
    projects: [...[control, ...sourceMutants].map(projectOf), projectThatDeclares(statementMutants)],
    maxWorkers: 2,
    reporters: [new ReportWriter(process.env['MUTANTS_REPORT'] ?? '')],
  },
});
