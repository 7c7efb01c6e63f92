// The guard of a campaign's command as a process of its own: a campaign that dies leaves no command behind, at no moment.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { fromGuardForm, type ToGuard } from '../../src/cli/campaign/guard-words.ts';
import { atExit } from '../support/at-exit.ts';
import { eventually } from '../support/eventually.ts';
import { childrenOf, isRunning } from '../support/processes.ts';

const program = fileURLToPath(new URL('../../dist/cli/campaign/guard-process.js', import.meta.url));

function startGuard(): ChildProcess {
  const guard = spawn(process.execPath, [program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  onTestFinished(atExit(() => guard.kill('SIGKILL')));
  return guard;
}

function run(command: string, ...args: readonly string[]): ToGuard {
  const untilMs = Number(process.hrtime.bigint()) / 1e6 + 60_000;
  return { is: 'run', command, args, env: process.env, untilMs };
}

async function hasEnded(guard: ChildProcess): Promise<void> {
  for (;;) {
    const [said] = await once(guard, 'message');
    if (fromGuardForm.parse(said).is === 'ended') return;
  }
}

test('a campaign that dies as it says what to run leaves no command behind', async () => {
  const guard = startGuard();
  guard.send(run('true'));
  await hasEnded(guard);
  const { pid = 0 } = guard;
  const exited = once(guard, 'exit');
  // It reads the last words, and answers, before it can read that nobody is there any more.
  guard.send(run('sleep', '30'));
  guard.disconnect();
  const children: number[] = [];
  await eventually(() => {
    children.push(...childrenOf(pid));
    return guard.exitCode !== null;
  });
  expect((await exited)[0]).toBe(0);
  await eventually(() => !children.some(isRunning), { what: 'the command to be gone' });
});
