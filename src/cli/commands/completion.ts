// `completion`: the script with which a shell completes what is typed.
import { Argument, type Command } from 'commander';
import { addCommand } from '../command.ts';
import { completionScript, type Shell, shells } from '../completion/scripts.ts';
import { completionTable } from '../completion/table.ts';
import type { CliContext } from '../context.ts';

export function addCompletionCommand(program: Command, { printer }: CliContext): void {
  addCommand(program, 'completion', {
    summary: 'Print the script with which a shell completes commands, options and names',
    details:
      'Names of agents, topics and partitions are asked of the agent of --url or STREAMHOUSE_URL, for a second at most. To load it ' +
      'in every shell, put the line of your shell into ~/.bashrc or ~/.zshrc (behind compinit), or write the script to ' +
      '~/.config/fish/completions/streamhouse.fish.',
    examples: [
      'completion bash   # source <(streamhouse completion bash)',
      'completion zsh    # source <(streamhouse completion zsh)',
      'completion fish   # streamhouse completion fish | source',
    ],
  })
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .action(async (shell: Shell) => {
      await printer.data(completionScript(shell, completionTable(program)));
    });
}
