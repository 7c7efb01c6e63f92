// The built program as a real child process, with nothing of our environment but PATH and HOME: what a test proves
// here, an operator will see.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { atExit } from './at-exit.ts';
import { eventually } from './eventually.ts';
import { signalProcess } from './processes.ts';
import type { ProcessUser } from './unprivileged-user.ts';

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The script to run. Default: `dist/main.js` of this project (`npm run build`). */
  readonly entry?: string;
  /** Who runs it. Default: whoever runs the tests. */
  readonly user?: ProcessUser | undefined;
}

export interface RunOptions extends ProgramOptions {
  readonly stdin?: string;
  /** After this long it is killed and the run fails. Default 30 000. */
  readonly timeoutMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One NDJSON line of the program's log. */
export type LogRecord = Readonly<Record<string, unknown>>;

export interface WaitForLogOptions {
  /** Default 30 000. */
  readonly timeoutMs?: number;
  /** Ignore the lines before this index of `stdoutLines`. Default 0: a line logged before the call counts. */
  readonly fromLine?: number;
}

const recordForm = z.record(z.string(), z.unknown());
const builtProgram = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Starts the program and leaves it running until it is killed or disposed of. */
export function startProgram(args: readonly string[], options: ProgramOptions = {}): Program {
  const child = spawnProgram(args, options);
  child.stdin?.end();
  return new Program(child, args);
}

/** Runs the program to its end. A signal's death shows as code null. */
export async function runProgram(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { stdin = '', timeoutMs = 30_000 } = options;
  const child = spawnProgram(args, options);
  const forget = killAtExit(child);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  child.stdin?.on('error', () => undefined); // a program may end without reading its input
  child.stdin?.end(stdin);
  try {
    const [exit, stdout, stderr] = await Promise.all([exitOf(child), all(child.stdout), all(child.stderr)]);
    if (isLate) throw new Error(`'${args.join(' ')}' ran for ${timeoutMs} ms\n${stdout}\n${stderr}`);
    return { code: exit.code, stdout, stderr };
  } finally {
    clearTimeout(timer);
    forget();
  }
}

export class Program implements AsyncDisposable {
  readonly pid: number;
  /** Everything printed so far, line by line. */
  readonly stdoutLines: string[] = [];
  readonly stderrLines: string[] = [];
  /** Settles when the process has ended and its last line is in. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #name: string;
  #exit: Exit | undefined;

  constructor(child: ChildProcess, args: readonly string[]) {
    if (child.pid === undefined) throw new Error(`could not start '${args.join(' ')}'`);
    this.pid = child.pid;
    this.#child = child;
    this.#name = args.join(' ');
    const forget = killAtExit(child);
    const output = Promise.all([
      collectLines(child.stdout, this.stdoutLines),
      collectLines(child.stderr, this.stderrLines),
    ]);
    this.exited = exitOf(child).then(async (exit) => {
      forget();
      await output;
      this.#exit = exit;
      return exit;
    });
  }

  /** The log records so far; lines that are not JSON objects are left out. */
  get logs(): LogRecord[] {
    return this.stdoutLines.flatMap(parseRecord);
  }

  /** The first record that satisfies the predicate, past or future; fails early if the program ends without it. */
  async waitForLog(
    predicate: (record: LogRecord) => boolean,
    options: WaitForLogOptions = {},
  ): Promise<LogRecord> {
    const { timeoutMs = 30_000, fromLine = 0 } = options;
    const look = () => {
      const hasEnded = this.#exit !== undefined; // read before the lines: after it there are no more
      const record = this.stdoutLines.slice(fromLine).flatMap(parseRecord).find(predicate);
      return record ?? (hasEnded ? ('ended' as const) : undefined);
    };
    const found = await eventually(look, { timeoutMs, what: 'a log record' }).catch(() => 'late' as const);
    if (typeof found !== 'string') return found;
    const reason = found === 'late' ? `none in ${timeoutMs} ms` : `ended with ${JSON.stringify(this.#exit)}`;
    throw new Error(`waiting for a log record of '${this.#name}': ${reason}\n${this.#tail()}`);
  }

  /** Sends the signal; harmless if the program has already ended. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) signalProcess(this.pid, signal);
  }

  /** kill -9 (which ends a stopped process too), and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.exited;
  }

  #tail(): string {
    return [...this.stdoutLines.slice(-20), ...this.stderrLines.slice(-20)].join('\n');
  }
}

function spawnProgram(args: readonly string[], options: ProgramOptions): ChildProcess {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [options.entry ?? builtProgram, ...args], {
    env: { PATH, HOME, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.user,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.once('error', () => undefined); // a failed start shows as a missing pid or a rejected `exit`
  return child;
}

function killAtExit(child: ChildProcess): () => void {
  return atExit(() => child.kill('SIGKILL'));
}

async function exitOf(child: ChildProcess): Promise<Exit> {
  await once(child, 'exit');
  return { code: child.exitCode, signal: child.signalCode };
}

async function all(stream: Readable | null): Promise<string> {
  return stream === null ? '' : text(stream);
}

async function collectLines(stream: Readable | null, lines: string[]): Promise<void> {
  if (stream === null) return;
  for await (const line of createInterface({ input: stream })) lines.push(line);
}

function parseRecord(line: string): LogRecord[] {
  if (!line.startsWith('{')) return [];
  try {
    return [recordForm.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
