// Each safety rule is broken once, and its test notices. `npm run mutants` prints what is broken, and by what it is noticed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { atExit } from '../support/at-exit.ts';
import { control, sourceMutants, statementMutants } from './list.ts';
import { mutated, type SourceMutant, type StatementMutant } from './mutant.ts';
import { mutantsToRun } from './selection.ts';
import { type Report, verdict } from './verdict.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** So long may all of them take on a machine that is busy with others; alone it is less than half a minute. */
const runMaxMs = 900_000;

const directory = mkdtempSync(join(tmpdir(), 'streamhouse-mutants-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let report: Report;
beforeAll(async () => {
  report = await run();
}, runMaxMs);

/** A vitest of its own, beside this one: its tests are meant to fail. */
async function run(): Promise<Report> {
  const [target] = inject('postgresTargets');
  if (target === undefined) throw new Error('no PostgreSQL to test with');
  const outer = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'));
  const vitest = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.mutants.config.ts'],
    {
      cwd: root,
      env: { ...Object.fromEntries(outer), MUTANTS_DIRECTORY: directory, MUTANTS_DATABASE_URL: target.url },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const forget = atExit(() => vitest.kill('SIGKILL'));
  let said = '';
  for (const stream of [vitest.stdout, vitest.stderr])
    stream.on('data', (text: Buffer) => (said += String(text)));
  await once(vitest, 'close');
  forget();
  try {
    const written: Report = JSON.parse(readFileSync(join(directory, 'report.json'), 'utf8'));
    return written;
  } catch (error) {
    throw new Error(`the mutants' run left no report: ${said}`, { cause: error });
  }
}

/** As the table tells it. */
function named({ rule, name, killedBy }: SourceMutant): string {
  return `${rule}. A mutant ${name}; ${killedBy.file} notices: ${killedBy.test}`;
}

function statementNamed({ rule, name, file }: StatementMutant): string {
  return `${rule}. A mutant ${name}; ${file} notices, in a test of its own`;
}

test('nothing failed outside of tests', () => {
  expect(report.failures).toEqual([]);
});

test.each(sourceMutants.map((mutant) => [mutant.name, mutant] as const))(
  'the words of the mutant that %s stand once',
  (_, mutant) => {
    expect(mutated(readFileSync(join(root, mutant.file), 'utf8'), mutant)).toContain(mutant.replace);
  },
);

test.each(mutantsToRun.map((mutant) => [named(mutant), mutant] as const))('%s', (_, mutant) => {
  expect(verdict(mutant, report)).toBe('killed');
});

test.each(statementMutants.map((mutant) => [statementNamed(mutant), mutant] as const))(
  '%s',
  (_, { name, file }) => {
    const tests = report.declared.filter((each) => each.file === file).map((each) => each.test);
    expect(tests.filter((each) => each.endsWith(`is broken by a store that ${name}`))).not.toEqual([]);
  },
);

test('docs/proof.md tells how many there are', () => {
  const told = readFileSync(join(root, 'docs/proof.md'), 'utf8');
  expect(told).toContain(
    `${sourceMutants.length} mutants of sources and ${statementMutants.length} of statements`,
  );
});

test('names are given once', () => {
  const names = sourceMutants.map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

describe('what is no kill', () => {
  test('a mutant that changes nothing survives', () => {
    expect(verdict(control, report)).toBe('survived');
  });

  test('words that are not there once', () => {
    const edit = (find: string): SourceMutant => ({ ...control, find, replace: '' });
    expect(() => mutated('a b a', edit('c'))).toThrow(/0 times/);
    expect(() => mutated('a b a', edit('a'))).toThrow(/2 times/);
    expect(mutated('a b a', edit(' b'))).toBe('a a');
  });

  const failed = { mutant: control.name, test: 't', state: 'failed' };
  test.each([
    ['a test that is not there', { outcomes: [] }, /^not judged: 0 tests/],
    [
      'a file that cannot be loaded',
      { failures: [{ mutant: control.name, message: 'syntax' }] },
      /^not judged: syntax/,
    ],
    [
      'a time-out',
      { outcomes: [{ ...failed, errors: [{ name: 'Error', message: 'Test timed out' }] }] },
      /^failed for another reason: Test timed out/,
    ],
  ])('%s', (_, told, judged) => {
    expect(verdict(control, { outcomes: [], failures: [], declared: [], ...told })).toMatch(judged);
  });
});
