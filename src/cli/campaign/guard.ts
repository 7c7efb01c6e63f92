// Our end of the guard: a process that starts the command for us and kills it when its time is over or we are gone. So the command
// outlives neither its term nor us, also when we are killed, or stopped and hear of nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../platform/clock.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { fromGuardForm, type ToGuard } from './guard-words.ts';

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export class Guard {
  private readonly clock: Clock;
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  constructor(clock: Clock) {
    this.clock = clock;
    const program = fileURLToPath(new URL('./guard-process.js', import.meta.url));
    // A session of its own: Ctrl-C in the terminal is for us alone. Its streams are the command's.
    this.child = spawn(process.execPath, [program], {
      detached: true,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    this.child.on('error', () => undefined);
    this.exited = once(this.child, 'exit').catch(() => undefined);
  }

  /**
   * Resolves to the command's exit code when all of it has ended: 128 and a signal's number when a signal ended it. Throws
   * CliFailure when it cannot be started, or its guard was killed; it is then killed too. `untilMs`: our monotonic clock.
   */
  run(line: CommandLine, untilMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      let group: number | undefined;
      const onMessage = (message: unknown): void => {
        const said = fromGuardForm.parse(message);
        if (said.is === 'started') group = said.pid;
        if (said.is === 'failed') settle(() => reject(failure(`cannot be started: ${said.message}`)));
        if (said.is === 'ended') settle(() => resolve(said.code));
      };
      const onExit = (): void => {
        if (group !== undefined) killGroup(group);
        settle(() => reject(failure('lost the process that guards it, and was killed')));
      };
      const settle = (end: () => void): void => {
        this.child.off('message', onMessage);
        this.child.off('exit', onExit);
        end();
      };
      this.child.on('message', onMessage);
      this.child.on('exit', onExit);
      if (this.child.pid === undefined || this.child.exitCode !== null) onExit();
      this.tell({ is: 'run', ...line, untilMs: this.shared(untilMs) });
    });
  }

  /** SIGTERM for all of it. */
  stop(): void {
    this.tell({ is: 'stop' });
  }

  /** `untilMs`: our monotonic clock. */
  until(untilMs: number): void {
    this.tell({ is: 'until', untilMs: this.shared(untilMs) });
  }

  /** Resolves when it has ended. */
  async close(): Promise<void> {
    if (this.child.pid === undefined) return;
    if (this.child.connected) this.child.disconnect();
    await this.exited;
  }

  private shared(ms: number): number {
    return Number(process.hrtime.bigint()) / 1e6 + ms - this.clock.monotonicMs();
  }

  private tell(message: ToGuard): void {
    if (this.child.connected) this.child.send(message, () => undefined);
  }
}

function failure(what: string): CliFailure {
  return new CliFailure(exitCode.error, `the command ${what}`);
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}
