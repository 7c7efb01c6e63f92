// The agents of the demo: real processes of this same program, each with its log in a file.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { AgentApi } from './api.ts';
import type { Guardian } from './guardian.ts';
import { DemoFailed, type Patience, until } from './patience.ts';

export interface CrewOptions {
  readonly databaseUrl: string;
  /**
   * Whether the agents see the caller's environment: a store elsewhere may need it (DATABASE_SCHEMA, DATABASE_CA_FILE, PGPASSWORD);
   * a store of our own does not, and what is set for another agent must not end up in these.
   */
  readonly inheritEnvironment: boolean;
  readonly group: string;
  readonly ttlMs: number;
  readonly logDirectory: string;
}

const startTimeoutMs = 30_000;
/** Between SIGTERM and SIGKILL at the end of the demo. */
const stopTimeoutMs = 3_000;

/** One run of one agent. */
export class AgentProcess {
  readonly agentId: string;
  /** Names the run in the history: a restarted agent is another holder of leases. */
  readonly holder: string;
  readonly pid: number;
  readonly api: AgentApi;
  readonly exited: Promise<void>;
  private readonly child: ChildProcess;

  constructor(run: { agentId: string; holder: string; pid: number; api: AgentApi }, child: ChildProcess) {
    this.agentId = run.agentId;
    this.holder = run.holder;
    this.pid = run.pid;
    this.api = run.api;
    this.child = child;
    this.exited = ended(child);
  }

  get isRunning(): boolean {
    return isRunning(this.child);
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.child.kill(signal);
  }
}

export class Crew {
  private readonly patience: Patience;
  private readonly guardian: Guardian;
  private readonly options: CrewOptions;
  /** Every process started, whether or not it ever became an agent that answers. */
  private readonly children: ChildProcess[] = [];
  private readonly runs: AgentProcess[] = [];

  constructor(patience: Patience, guardian: Guardian, options: CrewOptions) {
    this.patience = patience;
    this.guardian = guardian;
    this.options = options;
  }

  /** Those that run, in the order they were started. */
  live(): readonly AgentProcess[] {
    return this.runs.filter((run) => run.isRunning);
  }

  /** Resolves when the agent has a session, with what it holds still to come. */
  async start(agentId: string): Promise<AgentProcess> {
    const earlier = this.runs.filter((run) => run.agentId === agentId).length;
    const holder = earlier === 0 ? agentId : `${agentId} again`;
    const logFile = join(this.options.logDirectory, `${holder.replace(' ', '-')}.log`);
    const child = this.spawn(agentId, logFile);
    const { pid } = child;
    if (pid === undefined) throw new DemoFailed(`agent ${agentId} could not be started`);
    this.guardian.watchProcess(pid);
    child.once('exit', () => this.guardian.forgetProcess(pid));

    const wait = { what: `agent ${agentId} to be ready`, timeoutMs: startTimeoutMs, everyMs: 30 };
    const url = await until(this.patience, wait, () => {
      if (isRunning(child)) return listeningAt(logFile);
      throw new DemoFailed(`agent ${agentId} ended at once: ${lastWords(logFile)}`);
    });
    const run = new AgentProcess(
      { agentId, holder, pid, api: new AgentApi(url, this.patience.clock) },
      child,
    );
    await until(this.patience, wait, async () => {
      if (!isRunning(child)) throw new DemoFailed(`agent ${agentId} ended: ${lastWords(logFile)}`);
      return (await run.api.isReady()) || undefined;
    });
    this.runs.push(run);
    return run;
  }

  /** SIGTERM to all, SIGKILL to those that do not obey, each by its own id; resolves when all have ended. */
  async stop(): Promise<void> {
    const running = this.children.filter(isRunning);
    const all = Promise.all(running.map(ended));
    for (const child of running) child.kill('SIGTERM');
    const impatience = setTimeout(() => {
      for (const child of running) child.kill('SIGKILL');
    }, stopTimeoutMs);
    await all;
    clearTimeout(impatience);
  }

  private spawn(agentId: string, logFile: string): ChildProcess {
    // A file and not a pipe: an agent must not depend on whether the demo reads.
    const log = openSync(logFile, 'w');
    const program = fileURLToPath(new URL('../main.js', import.meta.url));
    const child = spawn(process.execPath, [program, 'agent', ...this.flags(agentId)], {
      // Not in the terminal's foreground group, where Ctrl-C would stop the agents under the demo's feet.
      detached: true,
      ...(!this.options.inheritEnvironment && { env: {} }),
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.on('error', () => undefined); // shows as a missing pid
    this.children.push(child);
    return child;
  }

  /** Flags win over the environment: whatever the story depends on is said here. */
  private flags(agentId: string): string[] {
    const { databaseUrl, group, ttlMs } = this.options;
    const interval = Math.floor(ttlMs / 4);
    return [
      `--database-url=${databaseUrl}`,
      `--agent-id=${agentId}`,
      `--agent-group=${group}`,
      `--agent-zone=zone-${agentId}`,
      '--agent-weight=1',
      '--managed-topics=',
      `--session-ttl-ms=${ttlMs}`,
      `--heartbeat-interval-ms=${interval}`,
      `--statement-timeout-ms=${Math.floor(0.6 * interval)}`,
      `--trust-margin-ms=${Math.ceil(ttlMs / 5)}`,
      '--http-host=127.0.0.1',
      '--http-port=0',
      '--auto-migrate=true',
      '--log-level=info',
      '--log-format=json',
    ];
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function ended(child: ChildProcess): Promise<void> {
  if (isRunning(child)) await once(child, 'exit');
}

const listening = z.object({ msg: z.literal('listening'), url: z.url() });

function listeningAt(logFile: string): string | undefined {
  for (const line of linesOf(logFile)) {
    const record = listening.safeParse(recordIn(line));
    if (record.success) return record.data.url;
  }
  return undefined;
}

/** The last line may be half written. */
function recordIn(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function lastWords(logFile: string): string {
  return linesOf(logFile).slice(-3).join('\n');
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean);
}
