// `agent` and `demo`: what runs here instead of asking a running agent. Their flags belong to others and pass through.
import type { Command } from 'commander';
import { addCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { ExitSilently } from '../failure.ts';

export function addRunCommands(program: Command, { deps }: CliContext): void {
  const agent = addCommand(program, 'agent', {
    summary: 'Run the agent in the foreground until SIGTERM or SIGINT',
    details: '"streamhouse agent --help" lists its settings.',
    examples: [
      'agent',
      'agent --agent-id broker-1 --database-url postgres://db/streamhouse',
      'agent --print-config',
    ],
  });
  // The layer that knows the flags prints their help too.
  passThrough(agent.helpOption(false), (args) => deps.runAgent(args));
  if (deps.agentHelp !== undefined) agent.configureHelp({ formatHelp: () => deps.agentHelp?.() ?? '' });

  const demo = addCommand(program, 'demo', {
    summary: 'Show takeovers: three agents with brokers in this terminal, one of them killed',
    examples: ['demo'],
  });
  // It prints its own help.
  passThrough(demo.helpOption(false), (args) => deps.runDemo(args));
}

/** All arguments go to `run` as they were typed. */
function passThrough(command: Command, run: (args: string[]) => Promise<number>): void {
  command
    .usage('[options]')
    .argument('[args...]')
    .allowUnknownOption()
    .passThroughOptions()
    .configureHelp({ visibleArguments: () => [] })
    .action(async () => {
      const code = await run([...command.args]);
      if (code !== 0) throw new ExitSilently(code);
    });
}
