// Programs of the system that some suites drive, and that a machine may lack. A shell that is not installed is had from
// Debian's packages; what is still not there is counted as suites not run.
import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { findDebian, type Found, type Search } from './debian-programs.ts';
import { noTerminals } from './pseudo-terminal.ts';
import type { SuiteNotRun } from './suite-not-run.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export interface ShellProgram {
  /** A name on PATH, or a path. */
  readonly program: string;
  /** What it needs beside the caller's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What it is told before anything else. */
  readonly prelude: string;
}

export interface Tools {
  readonly shells: Readonly<Partial<Record<Shell, ShellProgram>>>;
  readonly notThere: readonly SuiteNotRun[];
}

export async function findTools(search: Search = {}): Promise<Tools> {
  const answers = await Promise.all(
    shells.map(async (shell) => ({ shell, answer: await findShell(shell, search) })),
  );
  const noTerminal = noTerminals();
  return {
    shells: Object.fromEntries(
      answers.flatMap(({ shell, answer }) => (answer.outcome === 'found' ? [[shell, answer.found]] : [])),
    ),
    notThere: [
      ...(noTerminal === undefined ? [] : [{ name: 'terminals', reason: noTerminal }]),
      ...answers.flatMap(({ shell, answer }) =>
        answer.outcome === 'found' ? [] : [{ name: `completion in ${shell}`, reason: answer.reason }],
      ),
    ],
  };
}

async function findShell(shell: Shell, search: Search): Promise<Found<ShellProgram>> {
  const wanted = { name: shell, packages: [shell], programs: [`usr/bin/${shell}`] };
  const answer = await findDebian({ ...wanted, finish: settle }, search);
  if (answer.outcome === 'not_there') return answer;
  const { locate, env, tree } = answer.found;
  // Zsh takes no word from outside on where its modules are. (The pattern is for its version.)
  const prelude =
    shell === 'zsh' && tree !== undefined ? `module_path=('${tree}'/usr/lib/*/zsh/[0-9]*)\n` : '';
  return { outcome: 'found', found: { program: locate(`usr/bin/${shell}`), env, prelude } };
}

/** One place for programs, as on a machine with `/bin` merged; and settings where fish looks for them, beside its `bin`. */
async function settle(tree: string): Promise<void> {
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  for (const shell of shells) {
    const isApart = existsSync(join(tree, 'bin', shell)) && !existsSync(join(tree, 'usr/bin', shell));
    if (isApart) await symlink(`../../bin/${shell}`, join(tree, 'usr/bin', shell));
  }
  if (existsSync(join(tree, 'etc'))) await symlink('../etc', join(tree, 'usr/etc'));
}
