// Writes what became of each test of the mutants' run, for test/mutants/mutants.test.ts to judge.
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule, TestSuite } from 'vitest/node';
import { declaringProject } from './projects.ts';
import type { Report } from './verdict.ts';

export class ReportWriter implements Reporter {
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const isDeclaring = ({ project }: TestModule): boolean => project.name === declaringProject;
    const mutants = modules.filter((module) => !isDeclaring(module));
    const suites = mutants.flatMap(({ children }) => [...children.suites()]);
    const report: Report = {
      outcomes: suites.flatMap(outcomes),
      // What a test leaves behind that failed halfway, a request without its answer, is no failure of another.
      failures: [...modules.flatMap(failuresOf), ...suites.flatMap(failures)],
      declared: modules
        .filter(isDeclaring)
        .flatMap(({ children, relativeModuleId: file }) =>
          [...children.allTests()].map((test) => ({ file, test: test.fullName })),
        ),
    };
    writeFileSync(this.path, JSON.stringify(report));
  }
}

/** Of one mutant, whose name its suite has. */
function outcomes({ name: mutant, children }: TestSuite): Report['outcomes'] {
  return [...children.allTests()]
    .filter((test) => test.result().state !== 'skipped')
    .map((test) => {
      const { state, errors = [] } = test.result();
      return {
        mutant,
        test: test.fullName,
        state,
        errors: errors.map(({ name = '', message }) => ({ name, message })),
      };
    });
}

/** A hook that throws. */
function failures(suite: TestSuite): Report['failures'] {
  const all = [suite, ...suite.children.allSuites()];
  return all.flatMap((each) => each.errors().map(({ message }) => ({ mutant: suite.name, message })));
}

/** A file that cannot be loaded. */
function failuresOf(module: TestModule): Report['failures'] {
  return module.errors().map(({ message }) => ({ mutant: module.project.name, message }));
}
