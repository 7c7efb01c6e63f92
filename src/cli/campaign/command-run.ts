// A command that runs as long as a term does: told to stop when the term ends, and killed when its time is over.
import type { CommandLine, Guard } from './guard.ts';
import type { Term } from './term.ts';

export type CommandEnd =
  /** By itself. */
  { readonly is: 'exited'; readonly code: number } | { readonly is: 'stopped'; readonly reason: string };

/** Throws CliFailure when it cannot be started. */
export async function runCommand(guard: Guard, line: CommandLine, term: Term): Promise<CommandEnd> {
  const ended = guard.run(line, term.limitMs);
  term.onLimit((untilMs) => guard.until(untilMs));
  const onEnding = (): void => guard.stop();
  if (term.ending.aborted) onEnding();
  term.ending.addEventListener('abort', onEnding, { once: true });
  const code = await ended;
  return term.ending.aborted ? { is: 'stopped', reason: term.reason } : { is: 'exited', code };
}
