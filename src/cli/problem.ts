// An agent's refusal (RFC 9457 with `code`) as one line for a person and an exit code for a script.
import { z } from 'zod';
import { formatDuration } from './duration.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';

/** Lenient: a fact of the wrong type is left out rather than hiding the refusal. */
const problemForm = z.object({
  code: z.string(),
  title: z.string().optional().catch(undefined),
  detail: z.string().optional().catch(undefined),
  currentEpoch: z.number().optional().catch(undefined),
  holder: z.string().nullable().optional().catch(undefined),
  highWatermark: z.number().optional().catch(undefined),
  committed: z.boolean().optional().catch(undefined),
  retryAfterMs: z.number().optional().catch(undefined),
  requestId: z.string().optional().catch(undefined),
});

export type Problem = z.infer<typeof problemForm>;

/** The answer's problem, or undefined when it is no agent's: a 404 of a proxy is not "no such topic". */
export function parseProblem(body: unknown): Problem | undefined {
  return problemForm.safeParse(body).data;
}

export function problemFailure(problem: Problem, status: number): CliFailure {
  const said = (problem.detail ?? problem.title ?? `${problem.code} (${status})`).trim().replace(/\.$/, '');
  const facts = problemFacts(problem);
  const line = facts.length === 0 ? said : `${said} (${facts.join(', ')})`;
  const advice = problem.code === 'unauthorized' ? '; set STREAMHOUSE_TOKEN to a token of this agent' : '';
  return new CliFailure(exitCodeFor(problem, status), `${line}${advice}`);
}

/** What the caller needs to act, whether the detail says it or not: always in the same place, in the same words. */
function problemFacts(problem: Problem): string[] {
  const { holder, currentEpoch, highWatermark, committed, retryAfterMs, requestId } = problem;
  return [
    ...(holder === undefined ? [] : [holder === null ? 'held by nobody' : `held by ${holder}`]),
    ...(currentEpoch === undefined ? [] : [`current epoch ${currentEpoch}`]),
    ...(highWatermark === undefined ? [] : [`high watermark ${highWatermark}`]),
    ...(committed === true ? ['already stored'] : []),
    // Only a fault of the agent itself is looked up in its log.
    ...(problem.code !== 'internal' || requestId === undefined ? [] : [`request ${requestId}`]),
    ...(retryAfterMs === undefined ? [] : [`try again in ${formatDuration(Math.ceil(retryAfterMs))}`]),
  ];
}

/** Every 409 is a conflict, also with a code of a later version. */
function exitCodeFor({ code }: Problem, status: number): ExitCode {
  if (status === 404) return exitCode.notFound;
  if (status === 409) return exitCode.conflict;
  // The agent read what was typed and found it wrong.
  if (code === 'invalid') return exitCode.usage;
  // The store behind the agent does not answer: for a script the same as an agent that does not.
  if (code === 'unavailable') return exitCode.unreachable;
  return exitCode.error;
}
