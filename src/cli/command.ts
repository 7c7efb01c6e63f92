// How a command is declared: its help always has examples, and the options that many commands share are worded once.
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseLimit } from './arguments.ts';
import { formatDuration, parseTimeout } from './duration.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { outputFormats } from './output-format.ts';
import { parseServiceUrl, serviceUrlDefault } from './service-url.ts';

export interface CommandText {
  readonly summary: string;
  /** Further paragraphs for the help. */
  readonly details?: string;
  /** Whole command lines, without the program's name. */
  readonly examples: readonly [string, ...string[]];
}

/** A command that does something. `usage` is commander's: `create <name>`. */
export function addCommand(parent: Command, usage: string, text: CommandText): Command {
  const description = text.details === undefined ? text.summary : `${text.summary}\n\n${text.details}`;
  const examples = text.examples.map((line) => `  $ streamhouse ${line}`).join('\n');
  return parent
    .command(usage)
    .summary(text.summary)
    .description(description)
    .addHelpText('after', `\nExamples:\n${examples}`);
}

/** A command that only holds others, such as `topics`. What its commands share may also stand before their names. */
export function addGroup(parent: Command, name: string, text: CommandText): Command {
  const group = addCommand(parent, name, text).enablePositionalOptions();
  for (const option of [...connectionOptions(), outputOption()]) group.addOption(option.hideHelp());
  return group;
}

/** `--url` and `--timeout`, for commands that talk to an agent. */
export function connectionOptions(): Option[] {
  return [
    urlOption(
      '--url',
      `the agent to talk to (env: STREAMHOUSE_URL, default: ${serviceUrlDefault})`,
      parseServiceUrl,
    ),
    new Option('--timeout <duration>', 'how long to wait for each answer (default: 10s)').argParser(
      parseTimeout,
    ),
  ];
}

/** An option that takes a URL. Commander would quote what is wrong with it; a URL may hold a password. */
export function urlOption(flag: string, description: string, parse: (text: string) => string): Option {
  return new Option(`${flag} <url>`, description).argParser((text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new CliFailure(exitCode.usage, `${flag} is invalid. ${error.message}`);
    }
  });
}

/** `--output`, for commands that answer with data. */
export function outputOption(): Option {
  // No default value: a value on the command must mean that the user said so.
  return new Option('-o, --output <format>', 'how to print the answer (default: table)').choices(
    outputFormats,
  );
}

/** A command that asks something of an agent and prints what it says. */
export function addAskingCommand(parent: Command, usage: string, text: CommandText): Command {
  const command = addCommand(parent, usage, text);
  for (const option of [outputOption(), ...connectionOptions()]) command.addOption(option);
  return command;
}

/** How often `--watch` looks, milliseconds. */
export const watchIntervalMsDefault = 1_000;

export interface WatchingOptions {
  readonly watch?: boolean;
  /** Milliseconds. */
  readonly interval?: number;
}

/** A command that asks and changes nothing, so that it may ask again and again. */
export function addReadingCommand(parent: Command, usage: string, text: CommandText): Command {
  return addAskingCommand(parent, usage, text)
    .option('-w, --watch', 'look again and again, until interrupted')
    .option(
      '--interval <duration>',
      `how long --watch waits between looks (default: ${formatDuration(watchIntervalMsDefault)})`,
      parseTimeout,
    );
}

/** A reading command whose answer has any number of rows. */
export function addListingCommand(parent: Command, usage: string, text: CommandText): Command {
  return addReadingCommand(parent, usage, text).option(
    '--limit <n>',
    'stop after n rows (default: all)',
    parseLimit,
  );
}

/** A command that deletes: `--yes` and `--dry-run` beside the connection. */
export function addDeletingCommand(parent: Command, usage: string, text: CommandText): Command {
  const command = addCommand(parent, usage, text)
    .option('-y, --yes', 'do not ask (required where there is no terminal to ask on)')
    .option('--dry-run', 'tell what it would do, and do nothing');
  for (const option of connectionOptions()) command.addOption(option);
  return command;
}

/** A command that takes leadership from somebody: asks as one that deletes does, and answers with data. */
export function addSteeringCommand(parent: Command, usage: string, text: CommandText): Command {
  return addDeletingCommand(parent, usage, text).addOption(outputOption());
}

/** The command's name with those before it, without the program's: `topics create`. */
export function commandPath(command: Command): string {
  const names: string[] = [];
  for (let at: Command = command; at.parent !== null; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}
