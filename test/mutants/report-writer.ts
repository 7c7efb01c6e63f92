// Writes what became of each test of the mutants' run, for test/mutants/mutants.test.ts to judge.
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { declaringProject } from './projects.ts';
import type { Report } from './verdict.ts';

export class ReportWriter implements Reporter {
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const report: Report = {
      outcomes: modules.flatMap(outcomes),
      // What a test leaves behind that failed halfway, a request without its answer, is no failure of another.
      failures: modules.flatMap(failures),
      declared: modules
        .filter(({ project }) => project.name === declaringProject)
        .flatMap(({ children, relativeModuleId: file }) =>
          [...children.allTests()].map((test) => ({ file, test: test.fullName })),
        ),
    };
    writeFileSync(this.path, JSON.stringify(report));
  }
}

function outcomes({ project, relativeModuleId: file, children }: TestModule): Report['outcomes'] {
  return [...children.allTests()]
    .filter((test) => test.result().state !== 'skipped')
    .map((test) => {
      const { state, errors = [] } = test.result();
      return {
        project: project.name,
        file,
        test: test.fullName,
        state,
        errors: errors.map(({ name = '', message }) => ({ name, message })),
      };
    });
}

/** A file that cannot be loaded, a hook that throws. */
function failures(module: TestModule): Report['failures'] {
  return [module, ...module.children.allSuites()].flatMap((suite) =>
    suite.errors().map(({ message }) => ({ project: module.project.name, message })),
  );
}
