// `db doctor`, `db copy` and `db fence` as commands: what they print, what they ask, and their exit codes, whatever the store says.
import { expect, test } from 'vitest';
import type { CopyOptions, CopyPlan, DbCommands, FenceOptions, Finding } from '../../src/cli/deps.ts';
import { run, type RunOptions } from './run-cli.ts';

const never = (): Promise<never> => Promise.reject(new Error('not in this test'));
const commands: DbCommands = {
  migrate: never,
  status: never,
  copy: never,
  fence: never,
  doctor: never,
  grants: () => '',
};
const healthy: Finding = { check: 'fsync', verdict: 'ok', seen: 'on' };
const broken: Finding = { check: 'schema', verdict: 'fail', seen: 'level 1', todo: 'streamhouse db migrate' };

function doctor(findings: readonly Finding[], ...more: string[]) {
  const deps = { db: { ...commands, doctor: async () => findings } };
  return run(['db', 'doctor', '--database-url', 'postgres://db/x', ...more], { deps });
}

test('the doctor prints verdicts, then what to do, and ends with 10 when one fails', async () => {
  expect(await doctor([healthy])).toEqual({
    code: 0,
    stdout: 'VERDICT   CHECK   SEEN\nok        fsync   on\n',
    stderr: '',
  });
  const sick = await doctor([healthy, broken]);
  expect(sick.code).toBe(10);
  expect(sick.stdout).toContain('FAIL      schema   level 1');
  expect(sick.stdout).toContain('What to do\nschema:  streamhouse db migrate');
  const json = await doctor([healthy, broken], '-o', 'json');
  expect(json.code).toBe(10);
  expect(JSON.parse(json.stdout)).toEqual({ findings: [healthy, broken] });
});

test('a setting of the environment that makes no sense is a configuration error', async () => {
  const options = { env: { SESSION_TTL_MS: 'soon' }, deps: { db: { ...commands, doctor: async () => [] } } };
  const answer = await run(['db', 'doctor', '--database-url', 'postgres://db/x'], options);
  expect(answer).toMatchObject({ code: 78, stderr: expect.stringContaining('SESSION_TTL_MS="soon"') });
});

const tables = [{ table: 'topics', rows: 3, there: 2 }];

/** A copy that would do `way`, and does it when it may. */
function copy(way: CopyPlan['way'], args: readonly string[], runOptions: RunOptions = {}) {
  const done = {
    outcome: 'copied',
    way,
    era: 2,
    tables: [{ table: 'topics', rows: 3, checksum: 'c0ffee' }],
  } as const;
  const db: DbCommands = {
    ...commands,
    copy: async (_from: string, _to: string, options: CopyOptions) => {
      if (!(await options.confirm({ way, tables }))) return { outcome: 'not_confirmed' };
      await options.onProgress({ phase: 'copying', table: 'topics', rows: 1, of: 3 });
      return done;
    },
  };
  const between = ['--from', 'sqlite:./a.db', '--to', 'postgres://db/x'];
  return run(['db', 'copy', ...between, ...args], { ...runOptions, deps: { db } });
}

test('a copy shows its progress on a terminal alone, and says where epochs begin', async () => {
  const piped = await copy('begin', []);
  expect(piped.stderr).toBe(
    'copied and compared, all equal; the target is open, its epochs begin at 8589934592\n',
  );
  expect(piped.stdout).toContain('topics      3   c0ffee');
  const shown = await copy('begin', [], { isTty: true });
  expect(shown.stderr).toContain('copying topics: 1 of 3 rows (33 %)');
  const json = await copy('resume', ['-o', 'json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ outcome: 'copied', way: 'resume', era: 2 });
});

test('only what deletes is asked for; a dry run tells all', async () => {
  expect(await copy('resume', [])).toMatchObject({ code: 0 });
  expect(await copy('replace', ['--replace'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--yes'),
  });
  expect(await copy('replace', ['--replace', '--yes'])).toMatchObject({ code: 0 });
  const refused = await copy('replace', ['--replace'], { isTty: true, input: 'no\n' });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('rows: topics: 2') });
  const dry = await copy('replace', ['--replace', '--dry-run']);
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('would DELETE everything') });
});

const plan = {
  era: 1,
  nextEra: 2,
  epochMax: 4_294_967_299,
  sessions: [{ agentId: 'broker-1', group: 'default', isLive: true, leases: 12 }],
};

/** A fence that would open era 2, and does when it may. */
function fence(args: readonly string[], runOptions: RunOptions = {}) {
  const asked: Pick<FenceOptions, 'above' | 'force'>[] = [];
  const db: DbCommands = {
    ...commands,
    fence: async (_url: string, options: FenceOptions) => {
      asked.push({ above: options.above, force: options.force });
      return (await options.confirm(plan)) ? { outcome: 'opened', ...plan } : { outcome: 'not_confirmed' };
    },
  };
  const answer = run(['db', 'fence', '--database-url', 'postgres://db/x', ...args], {
    ...runOptions,
    deps: { db },
  });
  return answer.then((result) => ({ ...result, asked }));
}

test('a fence asks, tells what it would do, and says where epochs begin', async () => {
  expect(await fence([])).toMatchObject({ code: 2, stderr: expect.stringContaining('--new-era') });
  expect(await fence(['--new-era'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
  const no = await fence(['--new-era'], { isTty: true, input: 'no\n' });
  expect(no).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing was changed') });
  expect(no.stderr).toContain('open era 2, so that every epoch from now on is at least 8589934592');
  expect(no.stderr).toContain('end 1 session (1 of agents that run)');
  const dry = await fence(['--new-era', '--dry-run']);
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toContain('Its epochs begin at:   8589934592');
  expect(dry.stdout).toContain('broker-1   default   LIVE        12');
  const done = await fence(['--new-era', '--yes', '--force', '--above', '9000000000', '-o', 'json']);
  expect(done).toMatchObject({ code: 0, asked: [{ above: 9_000_000_000, force: true }] });
  expect(JSON.parse(done.stdout)).toMatchObject({
    outcome: 'opened',
    nextEra: 2,
    epochsFrom: 8_589_934_592,
  });
});
