// The processes of the demo, agents and brokers alike: each a Node program of this package with its output in a file, known to the
// guardian for as long as it lives, and ended by its own id.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Guardian } from './guardian.ts';
import { DemoFailed, type Patience, until } from './patience.ts';

export interface Program {
  /** For people: `agent a`. */
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  /** Whether it sees the caller's environment. */
  readonly inheritEnvironment: boolean;
  /** In the directory of the logs. */
  readonly logName: string;
}

const startTimeoutMs = 30_000;
/** Between SIGTERM and SIGKILL at the end of the demo. */
const stopTimeoutMs = 3_000;

/** One run of one program. */
export class Child {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<void>;
  private readonly process: ChildProcess;
  private readonly logFile: string;

  constructor(name: string, pid: number, process: ChildProcess, logFile: string) {
    this.name = name;
    this.pid = pid;
    this.process = process;
    this.logFile = logFile;
    this.exited = this.end();
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.process.kill(signal);
  }

  /** What it has said so far, one record a line. */
  said(): unknown[] {
    return linesOf(this.logFile).flatMap(recordIn);
  }

  /** Looks until there is something to see. Fails when the process has ended, or after half a minute. */
  async until<T>(
    patience: Patience,
    what: string,
    look: () => Promise<T | undefined> | T | undefined,
  ): Promise<T> {
    const wait = { what: `${this.name} to ${what}`, timeoutMs: startTimeoutMs, everyMs: 30 };
    return until(patience, wait, () => {
      if (this.isRunning) return look();
      throw new DemoFailed(`${this.name} ended at once: ${linesOf(this.logFile).slice(-3).join('\n')}`);
    });
  }

  private async end(): Promise<void> {
    if (this.isRunning) await once(this.process, 'exit');
  }
}

export class Children {
  private readonly guardian: Guardian;
  private readonly logDirectory: string;
  /** Every process started, whether or not it ever answered. */
  private readonly all: Child[] = [];

  constructor(guardian: Guardian, logDirectory: string) {
    this.guardian = guardian;
    this.logDirectory = logDirectory;
  }

  start({ name, script, args, inheritEnvironment, logName }: Program): Child {
    const logFile = join(this.logDirectory, logName);
    // A file and not a pipe: nobody must depend on whether the demo reads.
    const log = openSync(logFile, 'w');
    const spawned = spawn(process.execPath, [script, ...args], {
      // Not in the terminal's foreground group, where Ctrl-C would stop it under the demo's feet.
      detached: true,
      ...(!inheritEnvironment && { env: {} }),
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    spawned.on('error', () => undefined); // shows as a missing pid
    const { pid } = spawned;
    if (pid === undefined) throw new DemoFailed(`${name} could not be started`);
    this.guardian.watchProcess(pid);
    spawned.once('exit', () => this.guardian.forgetProcess(pid));
    const child = new Child(name, pid, spawned, logFile);
    this.all.push(child);
    return child;
  }

  /** SIGTERM to all these, SIGKILL to those that do not obey, each by its own id; resolves when all have ended. */
  async stop(which: (child: Child) => boolean): Promise<void> {
    const running = this.all.filter((child) => child.isRunning && which(child));
    for (const child of running) child.signal('SIGTERM');
    const impatience = setTimeout(() => {
      for (const child of running) child.signal('SIGKILL');
    }, stopTimeoutMs);
    await Promise.all(running.map(({ exited }) => exited));
    clearTimeout(impatience);
  }
}

/** Nothing for a line that is not a record, or half written as yet. */
function recordIn(line: string): unknown[] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean);
}
