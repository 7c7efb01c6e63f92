// The commands that documents tell readers to type, held against the program's own tree of commands.
import type { Command } from 'commander';
import { commandTree } from '../cli/run-cli.ts';

const program = commandTree();

/** Inline ones, and those at the beginning of a line of a block, without the shell's words behind them; each once. */
export function documentedCommands(text: string): readonly string[] {
  const inline = [...text.matchAll(/`(?:npx )?streamhouse ([a-z][^`]*)`/g)];
  const inBlocks = [...text.matchAll(/^```.*?^\s*```$/gms)].flatMap(([block]) => [
    ...block.matchAll(/^\s*(?:npx )?streamhouse ([a-z].*)$/gm),
  ]);
  const lines = [...inline, ...inBlocks].map(
    ([, line]) =>
      String(line)
        .split(/ [|<>&#\\]/)[0]
        ?.trim() ?? '',
  );
  return [...new Set(lines)];
}

/** The words of a line that neither a command nor an option nor its value explains. */
export function unexplained(line: string): string[] {
  let command: Command = program;
  const left: string[] = [];
  for (const word of line.split(/\s+/)) {
    const next = command.commands.find((each) => each.name() === word);
    if (next !== undefined) command = next;
    else left.push(word);
  }
  if (command.name() === 'agent') return left.filter((word) => word !== '--print-config');
  const flags = command.options.flatMap(({ long }) => (long ? [long] : []));
  const unknown = left.filter((word) => word.startsWith('--') && !flags.includes(word.replace(/=.*/, '')));
  const isGroup = command.commands.length > 0;
  return isGroup ? [...unknown, `${command.name()} is not a whole command`] : unknown;
}
