// A program in a real terminal: `script` of util-linux makes one. Node has none of its own.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { atExit } from './at-exit.ts';
import { childrenOf } from './processes.ts';
import { TerminalPicture } from './terminal-picture.ts';

export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Why there are no terminals here; undefined where there are. */
export function noTerminals(): string | undefined {
  const made = spawnSync('script', ['-qec', 'stty size', '/dev/null'], { encoding: 'utf8', timeout: 10_000 });
  if (made.error !== undefined) return `script of util-linux is not there (${made.error.message})`;
  return made.status === 0 ? undefined : 'script or stty does not work as those of Linux do';
}

export class PseudoTerminal implements AsyncDisposable {
  readonly picture: TerminalPicture;
  /** All that was written, with its escape sequences. */
  written = '';
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;

  constructor(command: readonly string[], { columns, rows, env = {} }: TerminalOptions) {
    this.picture = new TerminalPicture(columns, rows);
    const { PATH = '', HOME = '' } = process.env;
    // The shell stays: it tells whether the terminal was given back in order.
    const line = `trap : INT; stty rows ${rows} cols ${columns}; ${command.map(quoted).join(' ')}; code=$?; stty -a; exit $code`;
    const child = spawn('script', ['-qefc', line, '/dev/null'], {
      env: { PATH, HOME, TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const forget = atExit(() => child.kill('SIGKILL'));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.written += text;
      this.picture.write(text);
    });
    child.stdin.on('error', () => undefined);
    this.child = child;
    this.exited = once(child, 'close').then(() => {
      forget();
      return child.exitCode;
    });
  }

  type(keys: string): void {
    this.child.stdin?.write(keys);
  }

  /** As when a window is made larger or smaller. */
  resize(columns: number, rows: number): void {
    this.picture.columns = columns;
    this.picture.rows = rows;
    const device = this.device();
    const made = spawnSync('stty', ['-F', device, 'rows', String(rows), 'cols', String(columns)]);
    if (made.status !== 0) throw new Error(`stty ${device}: ${made.stderr.toString()}`);
  }

  /** The program's own process id, below the shell. */
  get programPid(): number {
    const pid = this.shells().flatMap(childrenOf)[0];
    if (pid === undefined) throw new Error('the program does not run');
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  private shells(): number[] {
    return this.child.pid === undefined ? [] : childrenOf(this.child.pid);
  }

  private device(): string {
    const [shell] = this.shells();
    if (shell === undefined) throw new Error('the terminal has ended');
    // Field 7 of stat is the terminal's device number; its minor is the number under /dev/pts.
    const stat = readFileSync(`/proc/${shell}/stat`, 'utf8');
    const device = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4]);
    return `/dev/pts/${(device & 0xff) | ((device >> 12) & 0xfff00)}`;
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
