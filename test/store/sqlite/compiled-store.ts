// The store compiled to JavaScript in a temporary directory, and child processes that use it (Node 20 does not run TypeScript,
// and dist may not be built).
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('../../..', import.meta.url));

/** Compiles the SQLite backend into a new directory, which the caller removes. */
export function compileStore(): string {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-store-'));
  for (const name of ['node_modules', 'drizzle']) symlinkSync(join(project, name), join(directory, name));
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(directory, 'children'));
  const tsconfig = {
    extends: join(project, 'tsconfig.json'),
    compilerOptions: { noEmit: false, rootDir: join(project, 'src'), outDir: join(directory, 'src') },
    include: [],
    files: [join(project, 'src/store/sqlite/open.ts')],
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(tsconfig));
  execFileSync(join(project, 'node_modules/.bin/tsc'), ['-p', directory]);
  return directory;
}

export interface Child {
  readonly process: ChildProcess;
  /** What it has sent so far. */
  readonly messages: unknown[];
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Runs a program (JavaScript, beside `../src`) with `args`; it sends messages with `process.send`. */
export function startChild(directory: string, name: string, program: string, args: readonly string[]): Child {
  const path = join(directory, 'children', `${name}.js`);
  writeFileSync(path, program);
  const child = fork(path, [...args], { env: { PATH: process.env['PATH'] }, execArgv: [] });
  const messages: unknown[] = [];
  child.on('message', (message) => messages.push(message));
  const exited = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode }));
  return { process: child, messages, exited };
}
