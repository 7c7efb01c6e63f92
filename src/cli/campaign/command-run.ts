// A command that runs as long as a term does: in a process group of its own, which is told to stop when the term ends, and killed
// when its time is over.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Clock } from '../../platform/clock.ts';
import { Bell } from '../../platform/bell.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import type { Deadman } from './deadman.ts';
import type { Term } from './term.ts';

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type CommandEnd =
  /** By itself; 128 and the signal's number when a signal ended it, as shells have it. */
  { readonly is: 'exited'; readonly code: number } | { readonly is: 'stopped'; readonly reason: string };

const never = new AbortController().signal;

/** Throws CliFailure when it cannot be started. */
export async function runCommand(
  { clock, deadman }: { readonly clock: Clock; readonly deadman: Deadman },
  line: CommandLine,
  term: Term,
): Promise<CommandEnd> {
  if (!deadman.isAlive) {
    throw new CliFailure(exitCode.error, 'the process that guards the command has ended; nothing was run');
  }
  const child = await start(line);
  const group = child.pid ?? 0;
  const bell = new Bell();
  const exited = once(child, 'exit');
  child.once('exit', () => bell.ring());
  deadman.watch(group);
  term.onLimit((untilMs) => {
    deadman.until(untilMs);
    bell.ring();
  });
  term.ending.addEventListener('abort', () => bell.ring(), { once: true });

  let wasTold = false;
  while (child.exitCode === null && child.signalCode === null) {
    const restMs = term.limitMs - clock.monotonicMs();
    if (term.ending.aborted && !wasTold) {
      wasTold = true;
      signalGroup(group, 'SIGTERM');
    }
    if (restMs <= 0) break;
    await bell.wait(clock, Math.min(restMs, 60_000), never);
  }
  // Also what it has left behind: nothing of it acts when the role is another's.
  signalGroup(group, 'SIGKILL');
  await exited;
  deadman.forget();
  if (wasTold || term.ending.aborted) return { is: 'stopped', reason: term.reason };
  return { is: 'exited', code: child.exitCode ?? 128 + signalNumber(child.signalCode) };
}

async function start({ command, args, env }: CommandLine): Promise<ChildProcess> {
  const child = spawn(command, args, { env: { ...env }, detached: true, stdio: 'inherit' });
  try {
    await once(child, 'spawn');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliFailure(exitCode.error, `the command cannot be started: ${reason}`, { cause: error });
  }
  return child;
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // Nobody is left in it.
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}
