// The mutants' run: started by test/mutants/mutants.test.ts, which judges its report. Its tests are meant to fail.

import { join } from 'node:path';
import process from 'node:process';
import { defineConfig } from 'vitest/config';
import { statementMutants } from './test/mutants/list.ts';
import { projectOf, projectThatDeclares } from './test/mutants/projects.ts';
import { ReportWriter } from './test/mutants/report-writer.ts';
import { mutantsOfRun } from './test/mutants/selection.ts';

const directory = process.env['MUTANTS_DIRECTORY'] ?? '';

export default defineConfig({
  test: {
    projects: [projectOf(mutantsOfRun), projectThatDeclares(statementMutants)],
    maxWorkers: 1,
    reporters: [new ReportWriter(join(directory, 'report.json'))],
  },
});
