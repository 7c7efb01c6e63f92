// Runs the command line in this process, with streams that are read afterwards.
import { PassThrough, Writable } from 'node:stream';
import type { CliDeps, DbCommands } from '../../src/cli/deps.ts';
import { buildProgram, runCli } from '../../src/cli/program.ts';

export interface RunOptions {
  /** The agent's URL, given as STREAMHOUSE_URL. */
  readonly url?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether stdin, stdout and stderr are a terminal. Default: none is. */
  readonly isTty?: boolean;
  /** What is typed; the input ends behind it. */
  readonly input?: string;
  readonly deps?: Partial<CliDeps>;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const noDatabase: DbCommands = {
  migrate: () => Promise.reject(new Error('this test has no database')),
  status: () => Promise.reject(new Error('this test has no database')),
  copy: () => Promise.reject(new Error('this test has no database')),
  fence: () => Promise.reject(new Error('this test has no database')),
  doctor: () => Promise.reject(new Error('this test has no database')),
  grants: ({ role, schema, migrate }) => `-- ${role} ${schema} ${migrate}\n`,
};

export async function run(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { url, env = {}, isTty = false, input = '', deps = {} } = options;
  const stdout = new Collector(isTty);
  const stderr = new Collector(isTty);
  const stdin = Object.assign(new PassThrough(), { isTTY: isTty });
  stdin.end(input);
  const code = await runCli(args, {
    stdout,
    stderr,
    stdin,
    env: { ...(url === undefined ? {} : { STREAMHOUSE_URL: url }), ...env },
    isTty,
    runAgent: () => Promise.reject(new Error('this test has no agent')),
    runDemo: () => Promise.reject(new Error('this test has no demo')),
    db: noDatabase,
    signal: new AbortController().signal,
    ...deps,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** A stream that keeps what is written to it. */
export class Collector extends Writable {
  text = '';
  readonly isTTY: boolean;

  constructor(isTty = false) {
    super({ decodeStrings: false });
    this.isTTY = isTty;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** The tree of all commands, to look at: nothing in it can be run. */
export function commandTree() {
  const never = (): Promise<never> => Promise.reject(new Error('not in this test'));
  return buildProgram({
    stdout: new Collector(),
    stderr: new Collector(),
    env: {},
    isTty: false,
    runAgent: never,
    runDemo: never,
    db: { migrate: never, status: never, copy: never, fence: never, doctor: never, grants: () => '' },
    signal: new AbortController().signal,
  });
}
