// Programs of the system that some suites drive, and that a machine may lack: those suites are then counted as not run.
import { spawnSync } from 'node:child_process';
import { noTerminals } from './pseudo-terminal.ts';
import type { SuiteNotRun } from './suite-not-run.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function toolsNotThere(): SuiteNotRun[] {
  const reason = noTerminals();
  return [
    ...(reason === undefined ? [] : [{ name: 'terminals', reason }]),
    ...shells
      .filter((shell) => spawnSync(shell, ['--version']).status !== 0)
      .map((shell) => ({ name: `completion in ${shell}`, reason: `${shell} is not installed` })),
  ];
}
