// The guard, a process of its own (see guard.ts): the parent of the command. It kills the command's process group when its time is
// over, and when the campaign is gone. Since it starts the command itself, there is no moment in which nobody guards it.
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { FromGuard, ToGuard } from './guard-words.ts';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

let child: ChildProcess | undefined;
let timer: NodeJS.Timeout | undefined;

process.on('message', (message: ToGuard) => {
  if (message.is === 'run') run(message);
  if (message.is === 'stop') kill('SIGTERM');
  if (message.is === 'until') killAt(message.untilMs);
});
process.on('disconnect', () => {
  kill('SIGKILL');
  process.exit();
});

function run({ command, args, env, untilMs }: Extract<ToGuard, { is: 'run' }>): void {
  const started = spawn(command, args, { env: { ...env }, detached: true, stdio: 'inherit' });
  child = started;
  started.once('error', ({ message }) => {
    if (started.pid === undefined) say({ is: 'failed', message });
  });
  if (started.pid === undefined) return;
  say({ is: 'started', pid: started.pid });
  killAt(untilMs);
  started.once('exit', (code, signal) => {
    clearTimeout(timer);
    // Also what it has left behind: nothing of it acts when the role is another's.
    kill('SIGKILL');
    child = undefined;
    // As shells have it.
    say({ is: 'ended', code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) });
  });
}

function kill(signal: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

/** Timers may fire a moment early. */
function killAt(untilMs: number): void {
  clearTimeout(timer);
  const restMs = untilMs - Number(process.hrtime.bigint()) / 1e6;
  if (restMs <= 0) kill('SIGKILL');
  else timer = setTimeout(() => killAt(untilMs), Math.min(restMs, 60_000));
}

/** A campaign that has just died hears nothing. We learn of that by its disconnection; an error here would end us before the command. */
function say(message: FromGuard): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
