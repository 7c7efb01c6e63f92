// Debian's packages, downloaded with apt-get and unpacked into a directory, not installed: no root, and nothing of the system
// changes. What a package depends on and the machine lacks comes along.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { atExit } from './at-exit.ts';

const execute = promisify(execFile);

export interface Unpacking {
  /** The directory whose content comes to be that of the packages. What is there goes. */
  readonly tree: string;
  readonly packages: readonly string[];
  /** Whether what they depend on is left out. */
  readonly alone: boolean;
  /** The environment that apt-get and dpkg-deb are given. */
  readonly env: NodeJS.ProcessEnv;
  /** Bounds all of it where a network swallows packets. */
  readonly timeoutMs: number;
  /** Last touches to the tree, before it can be seen under its name. */
  readonly finish?: (tree: string) => Promise<void>;
}

type Run = (command: string, args: readonly string[]) => Promise<string>;

/**
 * Makes `tree`, all of it or nothing: another run may be doing the same, and this one may be killed.
 * @throws with apt-get's first complaint in its message.
 */
export async function unpackDebian(options: Unpacking): Promise<void> {
  const { tree, env, timeoutMs, finish } = options;
  const cache = join(tree, '..');
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  const scratch = await mkdtemp(join(cache, scratchPrefix));
  const unfinished = join(scratch, 'tree');
  const signal = AbortSignal.timeout(timeoutMs);
  const run: Run = async (command, args) => {
    const running = execute(command, args, { cwd: scratch, env, signal });
    const forget = atExit(() => running.child.kill('SIGKILL'));
    return running.then(({ stdout }) => stdout).finally(forget);
  };
  try {
    await download(run, scratch, options).catch((error: unknown) => {
      throw signal.aborted ? new Error(`not there in ${timeoutMs / 1000} s`, { cause: error }) : error;
    });
    const files = (await readdir(scratch)).filter((name) => name.endsWith('.deb'));
    for (const file of files) await run('dpkg-deb', ['-x', join(scratch, file), unfinished]);
    await finish?.(unfinished);
    await rm(tree, { recursive: true, force: true }); // what is there did not run
    await rename(unfinished, tree).catch((error: unknown) => {
      if (!existsSync(tree)) throw error; // else the other run was faster
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const scratchPrefix = 'unpacking-';
const abandonedAfterMs = 3_600_000;

/** A run that was killed could not remove its own; half a browser takes hundreds of megabytes. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(scratchPrefix)) continue;
    const made = await stat(join(cache, name)).catch(() => undefined);
    if (made === undefined || Date.now() - made.mtimeMs < abandonedAfterMs) continue;
    await rm(join(cache, name), { recursive: true, force: true });
  }
}

/** By the machine's package lists if it has them and they are fresh, else by lists of our own. */
async function download(run: Run, scratch: string, { packages, alone }: Unpacking): Promise<void> {
  const fetch = async (lists: readonly string[]) => {
    const apt = (...args: string[]) => run('apt-get', [...patience, ...lists, ...args]);
    const plan = alone ? '' : await apt('install', '--simulate', '--no-install-recommends', ...packages);
    const lacking = [...plan.matchAll(/^Inst (\S+) /gm)].map(([, name = '']) => name);
    await apt('download', ...new Set([...packages, ...lacking]));
  };
  try {
    await fetch([]);
  } catch (error) {
    if (isMissing(error) || isAborted(error)) throw error;
    const lists = [
      '-o',
      `Dir::State=${join(scratch, 'state')}`,
      '-o',
      `Dir::Cache=${join(scratch, 'cache')}`,
    ];
    for (const folder of ['state/lists/partial', 'cache/archives/partial']) {
      await mkdir(join(scratch, folder), { recursive: true });
    }
    await run('apt-get', [...patience, ...lists, 'update']);
    await fetch(lists);
  }
}

const secondsMax = 15;

/** As root, apt-get would hand over to a user who may not enter the scratch directory, and say so. */
const patience = [
  '-q',
  '--option=Acquire::Retries=0',
  `--option=Acquire::http::Timeout=${secondsMax}`,
  `--option=Acquire::https::Timeout=${secondsMax}`,
  ...(process.getuid?.() === 0 ? ['--option=APT::Sandbox::User=root'] : []),
];

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function isAborted(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
