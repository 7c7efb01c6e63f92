// `pause` and `resume`: maintenance. Takeover works meanwhile, balancing does not.
import type { Command } from 'commander';
import { pauseForm } from '../answers.ts';
import { connect } from '../api.ts';
import { addAskingCommand, type CommandText } from '../command.ts';
import type { CliContext } from '../context.ts';
import { presentOne } from '../present.ts';

export function addPauseCommands(program: Command, context: CliContext): void {
  const pausing: CommandText = {
    summary: 'Stop balancing, for maintenance: nothing moves but away from where it cannot stay',
    details:
      'Takeover goes on: what an agent led that stops, crashes or drains is led by others at once. It stays paused, also over ' +
      'restarts of all agents, until "resume".',
    examples: ['pause', 'pause -o json'],
  };
  addVerb(program, context, 'pause', pausing, (since) =>
    [
      `paused since ${since}: no partition moves for balance`,
      'takeover still works: what an agent led that stops, crashes or drains is led by others; "resume" ends it',
    ].join('\n'),
  );
  const resuming: CommandText = {
    summary: 'Balance again, after a pause',
    details: 'The plan is made anew and carried out; "rebalance plan" shows before what it would move.',
    examples: ['resume', 'resume -o json'],
  };
  addVerb(
    program,
    context,
    'resume',
    resuming,
    () => 'balancing goes on; "rebalance status --watch" shows what moves',
  );
}

function addVerb(
  program: Command,
  context: CliContext,
  verb: 'pause' | 'resume',
  text: CommandText,
  done: (since: string) => string,
): void {
  addAskingCommand(program, verb, text).action(async (_options: unknown, command: Command) => {
    const request = { method: 'POST', path: ['v1', verb], body: {} } as const;
    const { value, body } = await connect(context, command).call(request, pauseForm);
    await presentOne(context, command, body, () => `${done(value.since ?? 'now')}\n`);
  });
}
