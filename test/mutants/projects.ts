// The mutants' run as projects of one vitest: each has modules of its own, among them the mutated copy, and runs one test.
import { relative } from 'node:path';
import process from 'node:process';
import type { Plugin, TestProjectInlineConfiguration } from 'vitest/config';
import { mutated, type SourceMutant, type StatementMutant } from './mutant.ts';

/** The name of the project that runs nothing, and tells which tests there are for the mutants of statements. */
export const declaringProject = 'statement mutants';

/** Files that declare the same tests and load less: what a mutant costs is loading. */
const lighter: Readonly<Record<string, string>> = {
  'test/store/contract.test.ts': 'test/mutants/sqlite-contract.ts',
};

/** A breach shows at once. A mutant that hangs is not killed by its test, whenever that is noticed. */
const testTimeoutMs = 30_000;

export function projectOf(mutant: SourceMutant): TestProjectInlineConfiguration {
  const { name, killedBy } = mutant;
  return project(name, [lighter[killedBy.file] ?? killedBy.file], new RegExp(`^${escaped(killedBy.test)}$`), [
    mutator(mutant),
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

/** Mutates its file for one project, and no other file; what is not mutated is compiled once for all of them. */
function mutator(mutant: SourceMutant): Plugin {
  const isMutated = (id: string): boolean => relative(process.cwd(), id) === mutant.file;
  const plugin: Plugin = {
    name: 'mutant',
    enforce: 'pre',
    transform: (code, id) => (isMutated(id) ? mutated(code, mutant) : undefined),
    configureVitest({ experimental_defineCacheKeyGenerator: addToKey }) {
      addToKey(({ environment, id }) => {
        const isOurs = environment.config.plugins.some((each) => each === plugin);
        return isOurs && isMutated(id) ? mutant.name : undefined;
      });
    },
  };
  return plugin;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}
