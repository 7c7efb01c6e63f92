// The command line: all commands put together, and `runCli`, which runs one of them and answers its exit code.
import { Command, CommanderError } from 'commander';
import { addAgentsCommands } from './commands/agents.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDbCommands } from './commands/db.ts';
import { addDebugCommands } from './commands/debug.ts';
import { addElectionsCommands } from './commands/elections.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addGroupsCommands } from './commands/groups.ts';
import { addHealthCommand } from './commands/health.ts';
import { addLeasesCommands } from './commands/leases.ts';
import { addPauseCommands } from './commands/pause.ts';
import { addRebalanceCommands } from './commands/rebalance.ts';
import { addRunCommands } from './commands/run.ts';
import { addSegmentsCommands } from './commands/segments.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTopCommand } from './commands/top.ts';
import { addTopicsCommands } from './commands/topics.ts';
import { addWaitCommand } from './commands/wait.ts';
import { addWatchCommand } from './commands/watch.ts';
import { commandPath, connectionOptions, outputOption } from './command.ts';
import { refuseUnusedOptions } from './connection.ts';
import type { CliDeps } from './deps.ts';
import { exitCode } from './exit-code.ts';
import { ExitSilently, foreseen } from './failure.ts';
import { Printer } from './printer.ts';
import { programVersion } from './version.ts';

/** Where help is wrapped when stdout does not say how wide it is. */
const helpWidthDefault = 100;

/**
 * The commands, ready to parse. Nothing in it ends the process: usage errors and help reject as CommanderError,
 * failures as CliFailure or ExitSilently.
 */
export function buildProgram(deps: CliDeps, printer: Printer = new Printer(deps)): Command {
  const program = new Command('streamhouse')
    .description('Leader election and lease coordination beside every broker')
    .version(programVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .configureOutput({
      writeOut: printer.begin.data,
      writeErr: printer.begin.message,
      getOutHelpWidth: () => helpWidth(deps),
      getErrHelpWidth: () => helpWidth(deps),
    })
    .exitOverride()
    // Options end at a command's name, so that `agent` may have flags of its own with any name.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText('after', programExamples)
    .hook('preAction', (_program, command) => refuseUnusedOptions(command));
  for (const option of [...connectionOptions(), outputOption()]) program.addOption(option);

  const context = { deps, printer };
  addRunCommands(program, context);
  addStatusCommand(program, context);
  addHealthCommand(program, context);
  addTopCommand(program, context);
  addWatchCommand(program, context);
  addWaitCommand(program, context);
  addTopicsCommands(program, context);
  addLeasesCommands(program, context);
  addElectionsCommands(program, context);
  addAgentsCommands(program, context);
  addRebalanceCommands(program, context);
  addExplainCommand(program, context);
  addPauseCommands(program, context);
  addSegmentsCommands(program, context);
  addGroupsCommands(program, context);
  addDbCommands(program, context);
  addCompletionCommand(program, context);
  addDebugCommands(program, context);
  nameTheNextStep(program);
  return program;
}

const programExamples = `
Examples:
  $ streamhouse agent
  $ streamhouse topics create orders --partitions 12
  $ streamhouse leases list --topic orders

Exit codes: 0 ok, 1 error, 2 usage, 3 not found, 4 conflict or fenced, 5 timeout, 6 unreachable,
10 unhealthy, 78 configuration. The token of an agent that wants one goes into STREAMHOUSE_TOKEN.`;

/**
 * Runs one command. `argv` is what the user typed, without Node and script (`process.argv.slice(2)`). Never rejects and
 * never ends the process: the caller sets the exit code that this answers.
 */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  const printer = new Printer(deps);
  try {
    try {
      await buildProgram(deps, printer).parseAsync(argv, { from: 'user' });
    } finally {
      await printer.flush(); // help that could not be written matters more than that it was asked for
    }
    return exitCode.ok;
  } catch (error) {
    return await explain(error, printer);
  }
}

/** Says what went wrong, where that has not been said yet, and answers the exit code for it. */
async function explain(error: unknown, printer: Printer): Promise<number> {
  if (error instanceof ExitSilently) return error.exitCode;
  // Commander has printed. Its own exit codes are 0 for help and version, 1 for everything else.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  const failure = foreseen(error);
  await printer.error(failure?.message ?? (error instanceof Error ? error.message : String(error)));
  if (failure !== undefined) return failure.exitCode;
  // Nobody foresaw this, so whoever has to mend it needs the whole story.
  if (error instanceof Error) await printer.message(`${error.stack ?? ''}\n`);
  return exitCode.error;
}

/** A usage error ends with where to read on: the help of the command that was meant. */
function nameTheNextStep(command: Command): void {
  command.showHelpAfterError(
    `see "${['streamhouse', commandPath(command), '--help'].filter(Boolean).join(' ')}"`,
  );
  for (const each of command.commands) nameTheNextStep(each);
}

function helpWidth({ stdout }: CliDeps): number {
  return 'columns' in stdout && typeof stdout.columns === 'number' ? stdout.columns : helpWidthDefault;
}
