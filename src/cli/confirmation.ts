// Before something is deleted, or taken from who leads it: say what, ask, and take only a plain yes.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { commandPath } from './command.ts';
import type { CliContext } from './context.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';

export interface DeletingOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** How the command's deed is named where it is not done. */
export interface DeedWords {
  /** `… asks before it deletes` */
  readonly does: string;
  /** `nothing was deleted` */
  readonly done: string;
}

const deleting: DeedWords = { does: 'deletes', done: 'deleted' };

/** For what takes leadership from somebody. */
export const steering: DeedWords = { does: 'changes who leads', done: 'changed' };

/**
 * Whether to go on. `describe` answers what would happen, as in "delete topic orders …"; it may ask the agent, and is
 * not called when `--yes` has decided. A dry run prints it and answers false. Throws CliFailure: usage when there is nobody to
 * ask, error when the answer is no.
 */
export async function mayDelete(
  { deps, printer }: CliContext,
  command: Command,
  options: DeletingOptions,
  describe: () => Promise<string>,
  words: DeedWords = deleting,
): Promise<boolean> {
  if (options.dryRun === true) {
    await printer.data(`would ${await describe()}\n`);
    return false;
  }
  if (options.yes === true) return true;
  const stdin = deps.stdin ?? process.stdin;
  // The question goes to stderr: data may be piped away while a person still sees and answers it.
  if (stdin.isTTY !== true || deps.stderr.isTTY !== true) {
    throw new CliFailure(
      exitCode.usage,
      `'${commandPath(command)}' asks before it ${words.does}, and here is no terminal to ask on; add --yes, or --dry-run to see what it would do`,
    );
  }
  await printer.message(`This will ${await describe()}.\nGo on? [y/N] `);
  const answer = await readLine(stdin, deps.signal);
  if (/^y(es)?$/i.test(answer?.trim() ?? '')) return true;
  // At the end of the input (^D) or an interrupt the cursor still stands behind the question.
  if (answer === undefined) await printer.message('\n');
  if (deps.signal.aborted)
    throw new CliFailure(exitCode.interrupted, `interrupted, nothing was ${words.done}`);
  throw new CliFailure(exitCode.error, `not confirmed, nothing was ${words.done}`);
}

/** One line, or undefined at the end of the input and on abort. */
function readLine(input: Readable, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    // Not as a terminal: readline would take ^C for itself, and main.ts's signal would never hear of it.
    const reader = createInterface({ input, terminal: false });
    const close = (): void => reader.close();
    signal.addEventListener('abort', close, { once: true });
    reader.once('line', (line) => {
      resolve(line);
      reader.close();
    });
    reader.once('close', () => {
      signal.removeEventListener('abort', close);
      resolve(undefined);
    });
  });
}
