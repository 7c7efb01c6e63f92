// However a test process ends, its servers end: by itself where it can still act, else through the next run.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileOwner, startOwner } from './compiled-owner.ts';
import { eventually } from './eventually.ts';
import { removeLeftovers } from './postgres-home.ts';
import { isRunning, signalProcess } from './processes.ts';

let compiled = '';
beforeAll(() => {
  compiled = compileOwner();
});
afterAll(() => rmSync(compiled, { recursive: true, force: true }));

async function ended(pid: number): Promise<void> {
  await eventually(() => !isRunning(pid), { timeoutMs: 5_000, what: 'the server to end' });
}

async function kill9(owner: ChildProcess): Promise<void> {
  const exited = once(owner, 'exit');
  owner.kill('SIGKILL');
  await exited;
}

test.each([
  ['it exits', (owner: ChildProcess) => owner.send('exit')],
  ['SIGINT', (owner: ChildProcess) => owner.kill('SIGINT')],
  ['SIGTERM', (owner: ChildProcess) => owner.kill('SIGTERM')],
  ['its parent disappears', (owner: ChildProcess) => owner.disconnect()],
])('a test process takes its servers along when it ends: %s', async (_how, end) => {
  const { owner, pid, dataDir } = await startOwner(compiled);
  expect(isRunning(pid)).toBe(true);
  const exited = once(owner, 'exit');
  end(owner);
  await exited;
  await ended(pid);
  expect(existsSync(dataDir)).toBe(false);
});

test('the servers of a test process that was killed are stopped by the next start', async () => {
  const { owner, pid, dataDir } = await startOwner(compiled);
  await kill9(owner);
  expect(isRunning(pid)).toBe(true);
  await removeLeftovers();
  await ended(pid);
  expect(existsSync(dataDir)).toBe(false);
});

test('a leftover pid file that names a stranger does no harm to the stranger', async () => {
  const { owner, pid, dataDir } = await startOwner(compiled);
  await kill9(owner);
  signalProcess(pid, 'SIGKILL');
  await ended(pid);
  writeFileSync(join(dataDir, 'postmaster.pid'), `${process.pid}\n${dataDir}\n`);
  await removeLeftovers();
  expect(existsSync(dataDir)).toBe(false); // and this process is still here to say so
});

test('the servers of a run that is still going are left alone', async () => {
  const { owner, pid, dataDir } = await startOwner(compiled);
  await removeLeftovers();
  expect(isRunning(pid)).toBe(true);
  owner.kill('SIGTERM');
  await ended(pid);
  await eventually(() => !existsSync(dataDir), { timeoutMs: 5_000, what: 'the directory to go' });
});
