// The demo as people run it: the built program, its real agents and brokers, and what is left when it is over.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { isRunning, signalProcess } from '../support/processes.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';

const timeoutMs = 120_000;
const scratch = mkdtempSync(join(tmpdir(), 'streamhouse-demo-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A place for the demo's temporary directory, so that what it leaves behind shows. */
function place(): { readonly TMPDIR: string } {
  return { TMPDIR: mkdtempSync(join(scratch, 'run-')) };
}

/** A longer TTL than the demo's own: a busy machine must not make an agent look dead. */
const calmDemo = ['demo', '--short', '--ttl-ms', '5000'];

const passed = /^demo: all \d+ checks passed$/;

test('on SQLite all checks pass and nothing is left', { timeout: timeoutMs + 10_000 }, async () => {
  const env = place();
  const run = await runProgram([...calmDemo], { env, timeoutMs });
  expect(lastLine(run.stdout), `${run.stdout}\n${run.stderr}`).toMatch(passed);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toMatch(/its broker acknowledged [1-9]\d* of [1-9]\d*, each within/);
  // Three agents, two of them twice, and three brokers.
  const pids = pidsIn(run.stdout);
  expect(pids).toHaveLength(8);
  expect(pids.filter(isRunning)).toEqual([]);
  expect(readdirSync(env.TMPDIR)).toEqual([]);
});

test(
  'on PostgreSQL a record that changes in its file fails the demo, named by the checks, and nothing else does',
  { timeout: timeoutMs + 10_000 },
  async ({ skip }) => {
    const [target] = inject('postgresTargets');
    skip(target === undefined, 'no PostgreSQL on this platform');
    const env = place();
    await using demo = startProgram([...calmDemo, '--database-url', target?.url ?? ''], { env });
    const file = await eventually(() => segmentFiles(env.TMPDIR)[0], { what: 'a segment file' });
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('"p0"', '"nobody"'));
    expect(await demo.exited).toEqual({ code: 1, signal: null });
    const stdout = demo.stdoutLines.join('\n');
    expect(stdout).toMatch(/^logs of agents and brokers, and the segment files: /m);
    expect(stdout).toMatch(/^demo: 2 of \d+ checks FAILED$/m);
    expect(stdout).toMatch(/p0#\d+: acknowledged at \d+, is not there$/m);
    expect(stdout).toMatch(/nobody#\d+: read at \d+, and never sent there$/m);
    expect(pidsIn(stdout).filter(isRunning)).toEqual([]);
  },
);

test('Ctrl-C, even twice, ends it with nothing left', async () => {
  const env = place();
  await using demo = startProgram(['demo'], { env });
  const pids = await processesOf(demo);
  demo.kill('SIGINT');
  demo.kill('SIGINT');
  expect(await demo.exited).toEqual({ code: 130, signal: null });
  expect(pids.filter(isRunning)).toEqual([]);
  expect(readdirSync(env.TMPDIR)).toEqual([]);
});

test('Ctrl-C while the agents are starting ends it with nothing left', async () => {
  const env = place();
  await using demo = startProgram(['demo'], { env });
  await eventually(() => readdirSync(env.TMPDIR).length > 0, { what: 'the demo to begin' });
  demo.kill('SIGINT');
  expect(await demo.exited).toEqual({ code: 130, signal: null });
  expect(readdirSync(env.TMPDIR)).toEqual([]);
});

test('its agents and brokers do not outlive a demo that is killed with SIGKILL', async () => {
  const env = place();
  await using demo = startProgram(['demo'], { env });
  const pids = await processesOf(demo);
  signalProcess(demo.pid, 'SIGKILL');
  await eventually(() => !pids.some(isRunning), { what: 'agents and brokers to be gone' });
  await eventually(() => readdirSync(env.TMPDIR).length === 0, { what: 'the directory to be removed' });
});

test('an agent that cannot start fails the demo with the reason and its log', async () => {
  const env = place();
  const run = await runProgram(['demo', '--database-url', 'mysql://nowhere/nothing'], { env });
  expect(run.code).toBe(1);
  expect(run.stdout).toMatch(/^demo failed: agent a ended at once: .*database-url must begin with/im);
  const directory = /^logs of agents and brokers, and the segment files: (.+)$/m.exec(run.stdout)?.[1] ?? '';
  expect(readdirSync(directory)).toContain('a.log');
});

test('unknown options are refused before anything starts', async () => {
  const env = place();
  const run = await runProgram(['demo', '--shrot'], { env });
  expect(run.code).toBe(2);
  expect(run.stderr).toContain("Unknown option '--shrot'");
  expect(readdirSync(env.TMPDIR)).toEqual([]);
});

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

/** Whole ones, of a demo whose directory is somewhere in here. */
function segmentFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.seg'))
    .map((path) => join(directory, path));
}

/** The process ids that the demo tells: of agents and brokers. */
function pidsIn(stdout: string): number[] {
  return [...stdout.matchAll(/\(pid (\d+)\)/g)].map(([, pid]) => Number(pid));
}

async function processesOf(demo: Program): Promise<number[]> {
  return eventually(() => {
    const pids = pidsIn(demo.stdoutLines.join('\n'));
    return pids.length === 6 && pids;
  });
}
