// A test process to be killed: the support layer compiled to JavaScript in a temp directory (Node 20 does not run
// TypeScript), with a small program that starts one server and says so.

import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const support = dirname(fileURLToPath(import.meta.url));
const project = join(support, '..', '..');

const announcement = z.object({ pid: z.number(), dataDir: z.string() });

const program = `
  import { startPostgresServer } from './test/support/postgres-server.js';
  process.on('message', () => process.exit());
  const server = await startPostgresServer({ major: 16, settings: { fsync: 'off' } });
  process.send({ pid: server.pid, dataDir: server.dataDir });
`;

export interface Owned {
  /** The test process; any message makes it exit. */
  readonly owner: ChildProcess;
  /** Its server. */
  readonly pid: number;
  readonly dataDir: string;
}

/** Compiles into a new directory that only we can enter (mode 700). The caller removes it. */
export function compileOwner(): string {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-support-'));
  mkdirSync(join(directory, 'node_modules'));
  for (const name of readdirSync(join(project, 'node_modules'))) {
    symlinkSync(join(project, 'node_modules', name), join(directory, 'node_modules', name));
  }
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(directory, 'owner.js'), program);
  const tsconfig = {
    extends: join(project, 'tsconfig.json'),
    compilerOptions: { noEmit: false, rootDir: project, outDir: directory },
    include: [],
    files: [join(support, 'postgres-server.ts')],
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(tsconfig));
  execFileSync(join(project, 'node_modules', '.bin', 'tsc'), ['-p', directory]);
  return directory;
}

/** Replaces links to packages by copies, as if npm had installed them there. */
export function installCopies(directory: string, names: readonly string[]): void {
  for (const name of names) {
    const copy = join(directory, 'node_modules', name);
    cpSync(join(project, 'node_modules', name), `${copy}.new`, { recursive: true, verbatimSymlinks: true });
    execFileSync('rm', [copy]);
    execFileSync('mv', [`${copy}.new`, copy]);
  }
}

/** Starts the compiled program; resolves when its server accepts connections. */
export async function startOwner(directory: string): Promise<Owned> {
  const owner = fork(join(directory, 'owner.js'), { env: { PATH: process.env['PATH'] }, execArgv: [] });
  const failed = once(owner, 'exit').then(() => {
    throw new Error('the owner ended before its server was up');
  });
  const answer = await Promise.race([once(owner, 'message'), failed]);
  failed.catch(() => undefined);
  const [message] = z.tuple([announcement], z.unknown()).parse(answer);
  return { owner, ...message };
}
