// A real PostgreSQL server as a child process that a test may stop, kill with SIGKILL and start again on the same
// port and data. It is durable by default (fsync on): tests about crashes mean it; those that only need a
// fast store say `settings: { fsync: 'off' }`.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { atExit } from './at-exit.ts';
import { eventually } from './eventually.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { createCluster } from './postgres-cluster.ts';
import { postgresBinaries, type PostgresMajor } from './postgres-binaries.ts';
import {
  createPostgresHome,
  readPostmasterFile,
  removeLeftovers,
  removePostgresHome,
} from './postgres-home.ts';
import { childrenOf, isRunning, signalProcess } from './processes.ts';
import { unprivilegedUser } from './unprivileged-user.ts';

export type Settings = Readonly<Record<string, string | number | boolean>>;

export interface PostgresServerOptions {
  readonly major: PostgresMajor;
  /** An existing data directory (say, a copy of a stopped server's) or a place for a new one; kept at dispose. */
  readonly dataDir?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Server settings on top of the defaults, such as `{ fsync: 'off' }`. */
  readonly settings?: Settings;
  /** Added to the server's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Login roles that must authenticate with this password (SCRAM); everybody else is trusted. */
  readonly passwordRoles?: Readonly<Record<string, string>>;
}

const startMs = 30_000;
const stopMs = 20_000;
const portAttemptsMax = 5;

/** Creates (or reuses) a data directory and starts a server on it; resolves when it accepts connections. */
export async function startPostgresServer(options: PostgresServerOptions): Promise<PostgresServer> {
  await removeLeftovers();
  const home = createPostgresHome();
  const forget = atExit(() => removePostgresHome(home)); // until the server itself takes care of it
  let server: PostgresServer | undefined;
  try {
    const { dataDir, isNew } = await createCluster(home, options);
    server = await startOnSomePort(home, dataDir, options);
    if (isNew) await createPasswordRoles(server.url, options.passwordRoles ?? {});
    return server;
  } catch (error) {
    await server?.stop();
    removePostgresHome(home);
    throw error;
  } finally {
    forget();
  }
}

/** A free port may be taken by somebody else before the server binds it: then another one. */
async function startOnSomePort(
  home: string,
  dataDir: string,
  options: PostgresServerOptions,
): Promise<PostgresServer> {
  for (let attempt = 1; ; attempt += 1) {
    const server = new PostgresServer(home, dataDir, options.port ?? (await freePort()), options);
    try {
      await server.start();
      return server;
    } catch (error) {
      const mayTryAnother = options.port === undefined && attempt < portAttemptsMax;
      if (!mayTryAnother || !String(error).includes('Address already in use')) throw error;
    }
  }
}

export class PostgresServer implements AsyncDisposable {
  /** Connects as the superuser `postgres` to the database `postgres`. */
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly logFile: string;
  readonly #home: string;
  readonly #options: PostgresServerOptions;
  readonly #forget: () => void;
  #child: ChildProcess | undefined;

  constructor(home: string, dataDir: string, port: number, options: PostgresServerOptions) {
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    this.port = port;
    this.dataDir = dataDir;
    this.logFile = join(home, 'server.log');
    this.#home = home;
    this.#options = options;
    this.#forget = atExit(() => this.#abandon());
  }

  /** The postmaster's process id while it runs, for signals such as SIGSTOP. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts on the same port and data; a server that was killed recovers first. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`the server on port ${this.port} already runs`);
    const deadline = performance.now() + startMs;
    while (!(await this.#tryStart(deadline))) {
      if (performance.now() >= deadline) throw new Error(`PostgreSQL did not start: ${this.logTail()}`);
      await sleep(50);
    }
  }

  /** Fast shutdown: connections are cut, data is flushed, the process is gone when this resolves. Safe to call twice. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    child.kill('SIGCONT'); // a test may have stopped it with SIGSTOP
    const impatience = setTimeout(() => child.kill('SIGKILL'), stopMs);
    await exited;
    clearTimeout(impatience);
  }

  /** kill -9 of the postmaster, as a crash would: no flush, no goodbye. Resolves when its children are gone too. */
  async kill9(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const backends = childrenOf(child.pid);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    const areGone = () => !backends.some(isRunning);
    // Backends notice the death by themselves unless they are busy; the kernel would kill none of them.
    await eventually(areGone, { timeoutMs: 2_000, what: 'the backends to end' }).catch(() => {
      for (const backend of backends) signalProcess(backend, 'SIGKILL');
    });
    await eventually(areGone, { timeoutMs: 5_000, what: 'the killed backends to end' });
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** The end of the server's log, for the messages of failed tests. */
  logTail(): string {
    try {
      return readFileSync(this.logFile, 'utf8').slice(-2_000);
    } catch {
      return '(no log)';
    }
  }

  /** Stops the server and removes its directory (but not a `dataDir` given by the caller). */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#forget();
    removePostgresHome(this.#home);
  }

  /** True when it accepts connections, false when it gave up for a reason that passes. */
  async #tryStart(deadline: number): Promise<boolean> {
    const child = this.#spawn();
    while (this.#child === child) {
      const file = readPostmasterFile(this.dataDir);
      const isReady = file?.status === 'ready' || file?.status === 'standby';
      if (file?.pid === child.pid && isReady) return true;
      if (performance.now() >= deadline) await this.kill9();
      else await sleep(10);
    }
    const log = this.logTail();
    // The kernel still counts backends of the killed predecessor as users of its shared memory.
    if (log.includes('pre-existing shared memory block')) return false;
    throw new Error(`PostgreSQL ended while starting on port ${this.port}: ${log}`);
  }

  #spawn(): ChildProcess {
    const log = openSync(this.logFile, 'w');
    const { postgres } = postgresBinaries(this.#options.major);
    const child = spawn(postgres, this.#arguments(), {
      ...unprivilegedUser(),
      cwd: this.#home,
      env: { LC_ALL: 'C', TZ: 'UTC', ...this.#options.env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    child.once('error', (error) => {
      appendFileSync(this.logFile, error.message);
      this.#child = undefined;
    });
    child.once('exit', () => (this.#child = undefined));
    return child;
  }

  #arguments(): string[] {
    const settings: Settings = {
      listen_addresses: '127.0.0.1',
      port: this.port,
      unix_socket_directories: this.dataDir,
      max_connections: 200,
      timezone: 'UTC',
      log_timezone: 'UTC',
      ...this.#options.settings,
    };
    const assignments = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return ['-D', join(this.#home, 'data'), ...assignments];
  }

  /** The synchronous end at the exit of the test process: immediate shutdown, and SIGKILL if it does not obey. */
  #abandon(): void {
    const pid = this.#child?.pid;
    if (pid !== undefined) {
      signalProcess(pid, 'SIGQUIT');
      const pause = new Int32Array(new SharedArrayBuffer(4));
      for (let look = 0; look < 100 && isRunning(pid); look += 1) Atomics.wait(pause, 0, 0, 10);
      signalProcess(pid, 'SIGKILL'); // nobody reaps it any more, so the id is still its own
    }
    removePostgresHome(this.#home);
  }
}

async function createPasswordRoles(url: string, roles: Readonly<Record<string, string>>): Promise<void> {
  if (Object.keys(roles).length === 0) return;
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined); // rejects the query as well
  await client.connect();
  try {
    for (const [name, password] of Object.entries(roles)) {
      const role = client.escapeIdentifier(name);
      await client.query(`create role ${role} login password ${client.escapeLiteral(password)}`);
    }
  } finally {
    await client.end();
  }
}
