// The demo's end of its guardian: a small process that holds one end of a pipe and outlives us by a moment. When the pipe
// closes, however we ended (kill -9 included), it kills the agents and brokers it was told of and removes the temporary directory.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export class Guardian {
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  constructor() {
    const program = fileURLToPath(new URL('./guardian-process.js', import.meta.url));
    this.child = spawn(process.execPath, [program], {
      // A session of its own: Ctrl-C in the terminal is for the demo alone.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // Without a guardian the demo still cleans up after itself in all ways but the violent ones.
    this.child.on('error', () => undefined);
    this.child.stdin?.on('error', () => undefined);
    this.exited = once(this.child, 'exit').catch(() => undefined);
  }

  watchProcess(pid: number): void {
    this.tell(`+${pid}`);
  }

  /** It has ended: its id may be another's soon. */
  forgetProcess(pid: number): void {
    this.tell(`-${pid}`);
  }

  watchDirectory(path: string): void {
    this.tell(`d${path}`);
  }

  forgetDirectory(): void {
    this.tell('d');
  }

  /** Resolves when the guardian has ended. */
  async close(): Promise<void> {
    if (this.child.pid === undefined) return;
    this.child.stdin?.end();
    await this.exited;
  }

  private tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }
}
