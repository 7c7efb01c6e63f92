// Where `prometheus` and `promtool` are. npm has no package of them, Debian has: the machine's own are taken, or else Debian's
// package is downloaded with apt-get and unpacked, not installed, once per user. No root, and nothing of the system changes.
//
// A machine without them is not a failure: what needs them is counted as not run.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PrometheusBinaries {
  readonly prometheus: string;
  readonly promtool: string;
}

export type PrometheusFound =
  | { readonly outcome: 'found'; readonly binaries: PrometheusBinaries }
  | { readonly outcome: 'not_there'; readonly reason: string };

export interface PrometheusSearch {
  /** Where the unpacked programs stay from one run to the next. Default: a directory of ours in the user's cache. */
  readonly cache?: string;
  /** The environment whose PATH is searched and that apt-get is given. Default: our own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Bounds the whole search where a network swallows packets; on a fast one it takes seconds. */
const downloadMsMax = 60_000;

/** The programs, proven to run here. */
export async function findPrometheus(search: PrometheusSearch = {}): Promise<PrometheusFound> {
  const { env = process.env } = search;
  const { cache = join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'streamhouse-agent-tests') } =
    search;
  const home = join(cache, `prometheus-${process.arch}`);
  const unpacked = { prometheus: join(home, 'prometheus'), promtool: join(home, 'promtool') };
  for (const binaries of [{ prometheus: 'prometheus', promtool: 'promtool' }, unpacked]) {
    if ((await complaint(binaries, env)) === undefined) return { outcome: 'found', binaries };
  }
  try {
    await unpack(cache, home, env);
  } catch (error) {
    return { outcome: 'not_there', reason: `Debian's package cannot be had: ${firstLine(error)}` };
  }
  const problem = await complaint(unpacked, env);
  return problem === undefined
    ? { outcome: 'found', binaries: unpacked }
    : { outcome: 'not_there', reason: `Debian's package does not run here: ${problem}` };
}

/** Why these do not run, undefined if they do. */
async function complaint(
  { prometheus, promtool }: PrometheusBinaries,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  try {
    await Promise.all([prometheus, promtool].map((program) => run(program, ['--version'], { env })));
    return undefined;
  } catch (error) {
    return firstLine(error);
  }
}

/** Makes `home`, all of it or nothing: another run may be doing the same, and this one may be killed. */
async function unpack(cache: string, home: string, env: NodeJS.ProcessEnv): Promise<void> {
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, 'unpacking-'));
  try {
    await download(scratch, env);
    const [file] = (await readdir(scratch)).filter((name) => name.endsWith('.deb'));
    await run('dpkg-deb', ['-x', join(scratch, String(file)), join(scratch, 'tree')], { env });
    await rm(home, { recursive: true, force: true }); // what is there did not run
    await rename(join(scratch, 'tree', 'usr', 'bin'), home).catch((error: unknown) => {
      if (!existsSync(home)) throw error; // else the other run was faster
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** By the machine's package lists if it has them and they are fresh, else by lists of our own. */
async function download(scratch: string, env: NodeJS.ProcessEnv): Promise<void> {
  const signal = AbortSignal.timeout(downloadMsMax);
  const apt = (...args: string[]) => run('apt-get', [...patience, ...args], { cwd: scratch, env, signal });
  try {
    await apt('download', 'prometheus');
  } catch (error) {
    if (signal.aborted || isMissing(error)) throw error;
    const ours = ['-o', `Dir::State=${join(scratch, 'state')}`, '-o', `Dir::Cache=${join(scratch, 'cache')}`];
    for (const folder of ['state/lists/partial', 'cache/archives/partial']) {
      await mkdir(join(scratch, folder), { recursive: true });
    }
    await apt(...ours, 'update');
    await apt(...ours, 'download', 'prometheus');
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

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const said = text.split('\n').find((line) => line.startsWith('E: ')) ?? text.split('\n')[0] ?? '';
  return said.replace(/^E: /, '').trim();
}
