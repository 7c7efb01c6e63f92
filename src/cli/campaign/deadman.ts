// Our end of the dead man's switch: a small process that kills the command's group when its time is over or our end of the pipe
// closes. So the command outlives neither its term nor us, also when we are killed, or stopped and hear of nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../platform/clock.ts';

export class Deadman {
  private readonly clock: Clock;
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  constructor(clock: Clock) {
    this.clock = clock;
    const program = fileURLToPath(new URL('./deadman-process.js', import.meta.url));
    // A session of its own: Ctrl-C in the terminal is for us alone.
    this.child = spawn(process.execPath, [program], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    this.child.on('error', () => undefined);
    this.child.stdin?.on('error', () => undefined);
    this.exited = once(this.child, 'exit').catch(() => undefined);
  }

  /** Whether it is there: without it no command is run. */
  get isAlive(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  watch(group: number): void {
    this.tell(`pid ${group}`);
  }

  /** `untilMs`: our monotonic clock; told in the machine's, which all processes share. */
  until(untilMs: number): void {
    const restMs = untilMs - this.clock.monotonicMs();
    const nowMs = Number(process.hrtime.bigint() / 1_000n) / 1_000;
    this.tell(`until ${Math.floor(nowMs + restMs)}`);
  }

  /** The group is gone: its id may be another's soon. */
  forget(): void {
    this.tell('done');
  }

  /** Resolves when it has ended. */
  async close(): Promise<void> {
    if (this.child.pid === undefined) return;
    this.child.stdin?.end();
    await this.exited;
  }

  private tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }
}
