// Programs that npm has no package of, and Debian has: the machine's own are taken, or else Debian's packages are unpacked,
// once per user. A machine without them is not a failure: what needs them is counted as not run.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { unpackDebian } from './debian-packages.ts';

const execute = promisify(execFile);

export interface DebianProgram {
  /** What their directory is called. */
  readonly name: string;
  readonly packages: readonly string[];
  /** Whether they run without what they depend on, which then is not downloaded. Default: no. */
  readonly alone?: boolean;
  /** Where each lies in the packages; on PATH it is the last part of it. */
  readonly programs: readonly string[];
  /** What each is called with to prove that it runs. Default: `--version`. */
  readonly proof?: readonly string[];
  /** Bounds the downloads. Default: 60 000; on a fast network they take seconds. */
  readonly downloadMsMax?: number;
  /** Last touches to what was unpacked, so that it runs from there. */
  readonly finish?: (tree: string) => Promise<void>;
}

export interface FoundPrograms {
  /** How to call one of the programs that were asked for: a name on PATH, or a path. */
  readonly locate: (program: string) => string;
  /** What they need beside the caller's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Where they were unpacked; undefined when they are the machine's own. */
  readonly tree?: string;
}

export type Found<T> =
  | { readonly outcome: 'found'; readonly found: T }
  | { readonly outcome: 'not_there'; readonly reason: string };

export interface Search {
  /** Where unpacked programs stay from one run to the next. Default: a directory of ours in the user's cache. */
  readonly cache?: string;
  /** The environment whose PATH is searched and that apt-get is given. Default: our own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The programs, proven to run here. */
export async function findDebian(wanted: DebianProgram, search: Search = {}): Promise<Found<FoundPrograms>> {
  const { env = process.env } = search;
  const { cache = join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'streamhouse-agent-tests') } =
    search;
  const installed: FoundPrograms = { locate: basename, env: {} };
  if ((await complaint(wanted, installed, env)) === undefined) {
    return { outcome: 'found', found: installed };
  }
  const tree = join(cache, `debian-${wanted.name}-${process.arch}`);
  const earlier = await unpackedAt(tree);
  if ((await complaint(wanted, earlier, env)) === undefined) return { outcome: 'found', found: earlier };
  try {
    const { packages, alone = false, finish, downloadMsMax = 60_000 } = wanted;
    await unpackDebian({ tree, packages, alone, env, timeoutMs: downloadMsMax, ...(finish && { finish }) });
  } catch (error) {
    return { outcome: 'not_there', reason: `Debian's package cannot be had: ${firstLine(error)}` };
  }
  const unpacked = await unpackedAt(tree);
  const problem = await complaint(wanted, unpacked, env);
  return problem === undefined
    ? { outcome: 'found', found: unpacked }
    : { outcome: 'not_there', reason: `Debian's package does not run here: ${problem}` };
}

async function unpackedAt(tree: string): Promise<FoundPrograms> {
  return { locate: (program) => join(tree, program), env: await surroundings(tree), tree };
}

/** Why these do not run, undefined if they do. */
async function complaint(
  { programs, proof = ['--version'] }: DebianProgram,
  { locate, env: added }: FoundPrograms,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const options = { env: { ...env, ...added }, timeout: proofMsMax };
  try {
    await Promise.all(programs.map((program) => execute(locate(program), proof, options)));
    return undefined;
  } catch (error) {
    return firstLine(error);
  }
}

/** A program that neither runs nor ends would hold up the whole run. */
const proofMsMax = 30_000;

/** What makes programs find the libraries and fonts that were unpacked with them. */
async function surroundings(tree: string): Promise<Record<string, string>> {
  if (!existsSync(tree)) return {};
  const files = await readdir(tree, { recursive: true });
  const libraries = new Set(
    files
      .filter((file) => /^lib[^/]*\.so(\.\d+)*$/.test(basename(file)))
      .map((file) => join(tree, dirname(file))),
  );
  return {
    ...(libraries.size > 0 && { LD_LIBRARY_PATH: [...libraries].join(':') }),
    ...(files.includes(fontsFile) && { FONTCONFIG_FILE: join(tree, fontsFile) }),
  };
}

const fontsFile = 'fonts.conf';

/** A `finish` for what shows text: fonts are those of the tree, and the machine's. The tree's own settings would be of `/usr`. */
export async function describeFonts(tree: string): Promise<void> {
  const alias = (family: string, font: string) =>
    `<alias><family>${family}</family><prefer><family>${font}</family></prefer></alias>`;
  await writeFile(
    join(tree, fontsFile),
    `<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  ${alias('sans-serif', 'DejaVu Sans')}
  ${alias('monospace', 'DejaVu Sans Mono')}
</fontconfig>
`,
  );
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const said = text.split('\n').find((line) => line.startsWith('E: ')) ?? text.split('\n')[0] ?? '';
  return said.replace(/^E: /, '').trim();
}
