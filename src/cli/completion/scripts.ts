// The table as a script for each shell. The scripts are stupid: they find out where the cursor is and look it up.
import { bashDriver } from './bash.ts';
import { fishDriver } from './fish.ts';
import { type Candidate, type CompletionTable, nameSources } from './table.ts';
import { zshDriver } from './zsh.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell, table: CompletionTable): string {
  if (shell === 'fish') return `${fishTable(table)}\n${fishDriver}`;
  const [head, driver] =
    shell === 'bash'
      ? ['# Completion of streamhouse for bash.', bashDriver]
      : ['#compdef streamhouse', zshDriver];
  return `${head}\n${shTable(table)}\n${driver}`;
}

/** For bash and zsh: answers the lines of a key, word and meaning with a tab between; fails for a key that is not there. */
function shTable(table: CompletionTable): string {
  const cases = [...table].map(([key, candidates]) => `    ${sh(key)}) ${shLines(candidates)} ;;`);
  const sources = Object.entries(nameSources).map(
    ([name, command]) => `    ${sh(name)}) echo ${sh(command)} ;;`,
  );
  return [
    '_streamhouse_table() {',
    '  case "$1" in',
    ...cases,
    '    *) return 1 ;;',
    '  esac',
    '}',
    '_streamhouse_source() {',
    '  case "$1" in',
    ...sources,
    '    *) return 1 ;;',
    '  esac',
    '}',
  ].join('\n');
}

function shLines(candidates: readonly Candidate[]): string {
  return candidates.length === 0
    ? ':'
    : `printf '%s\\n' ${candidates.map((each) => sh(lineOf(each))).join(' ')}`;
}

function fishTable(table: CompletionTable): string {
  const cases = [...table].flatMap(([key, candidates]) => [
    `    case ${fish(key)}`,
    ...(candidates.length === 0
      ? []
      : [`      printf '%s\\n' ${candidates.map((each) => fish(lineOf(each))).join(' ')}`]),
  ]);
  const sources = Object.entries(nameSources).flatMap(([name, command]) => [
    `    case ${fish(name)}`,
    `      echo ${fish(command)}`,
  ]);
  return [
    '# Completion of streamhouse for fish.',
    'function __streamhouse_table',
    '  switch "$argv[1]"',
    ...cases,
    "    case '*'",
    '      return 1',
    '  end',
    '  return 0',
    'end',
    'function __streamhouse_source',
    '  switch "$argv[1]"',
    ...sources,
    "    case '*'",
    '      return 1',
    '  end',
    'end',
  ].join('\n');
}

function lineOf({ word, meaning }: Candidate): string {
  return meaning === '' ? word : `${word}\t${meaning}`;
}

function sh(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
