// The mutants' run as projects of one vitest: one that runs a test for each mutant, and one that runs none.
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Plugin, TestProjectInlineConfiguration } from 'vitest/config';
import type { SourceMutant, StatementMutant } from './mutant.ts';
import { mutator } from './mutator.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The name of the project that runs nothing, and tells which tests there are for the mutants of statements. */
export const declaringProject = 'statement mutants';

/** A breach shows at once. A mutant that hangs is not killed by its test, whenever that is noticed. */
const testTimeoutMs = 30_000;

/** Each runs its killer's test, and no other. */
export function projectOf(mutants: readonly SourceMutant[]): TestProjectInlineConfiguration {
  const names = mutants.map(({ name, killedBy }) => escaped(`${name} ${killedBy.test}`));
  return project('source mutants', ['test/mutants/side-by-side.ts'], new RegExp(`^(?:${names.join('|')})$`), [
    mutator(root, mutants),
  ]);
}

export function projectThatDeclares(mutants: readonly StatementMutant[]): TestProjectInlineConfiguration {
  const files = [...new Set(mutants.map(({ file }) => file))];
  return project(declaringProject, files, /^$/, []);
}

function project(
  name: string,
  include: readonly string[],
  testNamePattern: RegExp,
  plugins: readonly Plugin[],
): TestProjectInlineConfiguration {
  const test = {
    name,
    include: [...include],
    // Vitest's types know the pattern for a whole run alone; each project takes its own all the same.
    testNamePattern,
    // No server is started: one that runs is given.
    provide: { postgresTargets: [{ name: 'PostgreSQL', url: process.env['MUTANTS_DATABASE_URL'] ?? '' }] },
    pool: 'threads' as const,
    isolate: false,
    testTimeout: testTimeoutMs,
    hookTimeout: testTimeoutMs,
  };
  return { plugins: [...plugins], test };
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
