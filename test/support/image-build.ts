// The steps of the Dockerfile, run for real without a Docker engine: each stage in a directory of its own, as a user that
// is not root, from nothing but what .dockerignore lets through. A directory is no container: instead of the base image there is
// this machine with its Node, absolute paths are taken below the stage's directory, and `chown` does nothing, because
// everything belongs to the one user.
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix, relative } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { type Instruction, letThrough, parseDockerfile, type Stage } from './dockerfile.ts';
import { giveToServer, unprivilegedUser } from './unprivileged-user.ts';

/** Stands in for a RUN: `true` when it has done in `directory` what the command would have done, for the same user. */
export type Shortcut = (command: string, directory: string) => boolean;

interface BuiltStage {
  readonly directory: string;
  workdir: string;
  readonly env: Record<string, string>;
  readonly seen: Instruction[];
}

export class BuiltImage implements Disposable {
  /** Stands for the container's `/`. */
  readonly directory: string;
  /** What ENV says, and what every process needs; its `streamhouse` is the image's. */
  readonly env: Readonly<Record<string, string>>;
  /** Where a process of the image starts. */
  readonly cwd: string;
  private readonly home: string;
  private readonly instructions: readonly Instruction[];

  constructor(home: string, { directory, workdir, env, seen }: BuiltStage) {
    this.home = home;
    this.directory = directory;
    this.cwd = join(directory, workdir);
    this.env = { ...env, ...processEnv(home, directory) };
    this.instructions = seen;
    // The program's own directories belong to root in the image: it can make nothing in them.
    chmodDirectories(join(directory, 'app'), 0o555);
  }

  /** ENTRYPOINT, CMD or the command of HEALTHCHECK, in its exec form. */
  command(keyword: 'ENTRYPOINT' | 'CMD' | 'HEALTHCHECK'): string[] {
    const text = this.instructions.findLast((each) => each.keyword === keyword)?.rest ?? '';
    const words = z.array(z.string()).parse(JSON.parse(text.replace(/^--.* CMD /, '')));
    return words.map((word) => (word.startsWith('/') ? join(this.directory, word) : word));
  }

  /** What the image adds to its base, bytes. */
  sizeBytes(): number {
    return sizeOf(this.directory);
  }

  [Symbol.dispose](): void {
    chmodDirectories(join(this.directory, 'app'), 0o755);
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Runs the stages of `project`'s Dockerfile. Rejects with what a step printed when it fails. */
export async function buildImage(project: string, shortcut: Shortcut = () => false): Promise<BuiltImage> {
  // Real: the user may be none that can follow every link on the way to a temporary directory.
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'streamhouse-image-')));
  try {
    chmodSync(home, 0o755);
    mkdirSync(join(home, 'context'));
    copyContext(project, join(home, 'context'));
    mkdirSync(join(home, 'stand-ins'));
    writeFileSync(join(home, 'stand-ins/chown'), '#!/bin/sh\nfor file do :; done\ntest -e "$file"\n', {
      mode: 0o755,
    });
    giveToServer(home);
    const built = new Map<string, BuiltStage>();
    let last: BuiltStage | undefined;
    for (const [index, stage] of parseDockerfile(
      readFileSync(join(project, 'Dockerfile'), 'utf8'),
    ).entries()) {
      last = await buildStage(home, stage, { index, built, shortcut });
      if (stage.name !== undefined) built.set(stage.name, last);
    }
    if (last === undefined) throw new Error('the Dockerfile has no stage');
    return new BuiltImage(home, last);
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

interface Around {
  readonly index: number;
  readonly built: ReadonlyMap<string, BuiltStage>;
  readonly shortcut: Shortcut;
}

async function buildStage(
  home: string,
  stage: Stage,
  { index, built, shortcut }: Around,
): Promise<BuiltStage> {
  if (built.has(stage.base)) throw new Error(`a stage on top of ${stage.base} is not understood`);
  const current: BuiltStage = { directory: join(home, `stage-${index}`), workdir: '/', env: {}, seen: [] };
  await asUser(home, ['mkdir', '-p', join(current.directory, 'usr/local/bin')]);
  for (const instruction of stage.instructions) {
    current.seen.push(instruction);
    const { keyword, rest } = instruction;
    if (keyword === 'WORKDIR') {
      current.workdir = posix.resolve(current.workdir, rest);
      await asUser(home, ['mkdir', '-p', join(current.directory, current.workdir)]);
    } else if (keyword === 'ENV') {
      const [, name = '', value = ''] = /^(\w+)=(\S*)$/.exec(rest) ?? [];
      if (name === '') throw new Error(`not understood: ENV ${rest}`);
      current.env[name] = value;
    } else if (keyword === 'COPY') {
      await copy(home, current, rest, built);
    } else if (keyword === 'RUN') {
      const cwd = join(current.directory, current.workdir);
      if (!shortcut(rest, cwd)) await run(home, current, rest);
    }
  }
  return current;
}

async function copy(
  home: string,
  { directory, workdir }: BuiltStage,
  rest: string,
  built: ReadonlyMap<string, BuiltStage>,
): Promise<void> {
  const { from, paths = '' } = /^(?:--from=(?<from>\S+) )?(?<paths>[^-].*)$/.exec(rest)?.groups ?? {};
  const source = from === undefined ? join(home, 'context') : built.get(from)?.directory;
  const sources = paths.split(' ');
  const last = sources.pop();
  if (source === undefined || last === undefined || sources.length === 0)
    throw new Error(`not understood: COPY ${rest}`);
  const target = join(directory, posix.resolve(workdir, last));
  const isDirectory = last.endsWith('/');
  if (sources.length > 1 && !isDirectory) throw new Error(`COPY of several files to a file: ${rest}`);
  for (const each of sources) {
    const file = join(source, each);
    if (!existsSync(file)) throw new Error(`COPY ${each}: not there, or .dockerignore keeps it out`);
    // A directory's content, not itself. Linked, not copied: nothing changes a file once it is there.
    if (statSync(file).isDirectory()) {
      await asUser(home, ['mkdir', '-p', target]);
      await link(`${file}/.`, target);
    } else {
      await asUser(home, ['mkdir', '-p', isDirectory ? target : dirname(target)]);
      await link(file, target);
    }
  }
}

async function link(source: string, target: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', '--link', source, target]);
}

async function run(home: string, { directory, workdir, env }: BuiltStage, command: string): Promise<void> {
  const inDirectory = command.replace(/(?<=^|\s)(?=\/)/g, directory);
  await asUser(home, ['sh', '-c', inDirectory], {
    cwd: join(directory, workdir),
    env: { ...env, ...processEnv(home, directory) },
  });
}

async function asUser(
  home: string,
  [file = '', ...args]: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  await promisify(execFile)(file, args, {
    cwd: home,
    env: processEnv(home, home),
    maxBuffer: 64 * 1024 ** 2,
    ...options,
    ...unprivilegedUser(),
  });
}

/** The image's programs first. What reaches the registry from here is passed on, as a Docker engine passes its proxies. */
function processEnv(home: string, directory: string): Record<string, string> {
  const passedOn = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name),
  );
  const path = [
    join(home, 'stand-ins'),
    join(directory, 'usr/local/bin'),
    dirname(process.execPath),
    process.env['PATH'],
  ];
  return { ...Object.fromEntries(passedOn), PATH: path.join(':'), HOME: home };
}

function copyContext(project: string, context: string): void {
  const ignore = readFileSync(join(project, '.dockerignore'), 'utf8');
  // Directories that hold nothing of the context would take long to read.
  const files = readdirSync(project)
    .filter((name) => !['node_modules', '.git'].includes(name))
    .flatMap((name) => filesBelow(project, name));
  for (const file of letThrough(ignore, files)) {
    mkdirSync(dirname(join(context, file)), { recursive: true });
    copyFileSync(join(project, file), join(context, file));
  }
}

function filesBelow(project: string, path: string): string[] {
  if (!statSync(join(project, path)).isDirectory()) return [path];
  return readdirSync(join(project, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(project, join(entry.parentPath, entry.name)));
}

function chmodDirectories(path: string, mode: number): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) chmodDirectories(join(path, entry.name), mode);
  }
  chmodSync(path, mode);
}

function sizeOf(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
