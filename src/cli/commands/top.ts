// `top`: the cluster on a whole terminal, live.
import type { Command } from 'commander';
import { connect } from '../api.ts';
import { addCommand, connectionOptions, watchIntervalMsDefault } from '../command.ts';
import type { CliContext } from '../context.ts';
import { formatDuration, parseTimeout } from '../duration.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { runTop } from '../top/top-run.ts';

export function addTopCommand(program: Command, context: CliContext): void {
  const top = addCommand(program, 'top', {
    summary: 'Show agents, partitions and what happens on the whole terminal, live',
    details:
      'Keys: q quit, ? help, Tab pane, s sort, r reverse, / filter, p freeze, arrows and PgUp, PgDn scroll. An agent that goes away is ' +
      'waited for. Events are what differs between two looks. Where there is no terminal: "status --watch".',
    examples: ['top', 'top --interval 500ms', 'top --url http://broker-2:7070'],
  }).option(
    '--interval <duration>',
    `how long to wait between looks (default: ${formatDuration(watchIntervalMsDefault)})`,
    parseTimeout,
  );
  for (const option of connectionOptions()) top.addOption(option);
  top.action(async ({ interval }: { interval?: number }, command: Command) => {
    const { stdout, stdin = process.stdin, isTty, signal } = context.deps;
    if (!isTty || stdin.isTTY !== true) {
      throw new CliFailure(
        exitCode.usage,
        '"top" needs a terminal to show on and to read keys from; "status --watch" shows changes anywhere',
      );
    }
    const terminal = { output: stdout, input: stdin };
    await runTop(connect(context, command), terminal, {
      intervalMs: interval ?? watchIntervalMsDefault,
      signal,
    });
  });
}
