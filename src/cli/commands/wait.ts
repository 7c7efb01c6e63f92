// `wait`: returns when conditions are met, for scripts that would otherwise ask in a loop.
import type { Command } from 'commander';
import { systemClock } from '../../platform/clock.ts';
import { Scope } from '../../platform/scope.ts';
import { type Api, connect } from '../api.ts';
import { addCommand, urlOption } from '../command.ts';
import { type Condition, conditionsHelp, parseCondition, type Sight } from '../conditions.ts';
import { timeoutOf } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { formatDuration, parseTimeout } from '../duration.ts';
import { exitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { Progress } from '../progress.ts';
import { parseServiceUrl, serviceUrlDefault } from '../service-url.ts';

const timeoutMsDefault = 30_000;

/** How often it looks, milliseconds. */
const pollMs = 250;

export function addWaitCommand(program: Command, context: CliContext): void {
  addCommand(program, 'wait', {
    summary: 'Wait until something is so; exit code 5 when it is not in time',
    details:
      'Several --for mean all of them, at the same time. An agent that does not answer yet is waited for as well.\n\n' +
      `Conditions:\n${conditionsHelp}`,
    examples: [
      'wait --for=healthy --for=all-led',
      'wait --for=leader=orders/3:broker-2 --timeout 1m',
      'wait --for=agent=broker-1:drained --timeout 5m && systemctl restart broker',
    ],
  })
    .requiredOption('--for <condition>', 'what to wait for; repeatable', addCondition)
    .option(
      '--timeout <duration>',
      `how long to wait in all (default: ${formatDuration(timeoutMsDefault)})`,
      parseTimeout,
    )
    .addOption(
      urlOption(
        '--url',
        `the agent to talk to (env: STREAMHOUSE_URL, default: ${serviceUrlDefault})`,
        parseServiceUrl,
      ),
    )
    .action(async ({ for: conditions }: { for: readonly Condition[] }, command: Command) => {
      const timeoutMs = timeoutOf(command) ?? timeoutMsDefault;
      const sights = await waitFor(context, connect(context, command), conditions, timeoutMs);
      await context.printer.data(sights.map(({ what }) => `${what}\n`).join(''));
    });
}

function addCondition(text: string, before: readonly Condition[] = []): readonly Condition[] {
  return [...before, parseCondition(text)];
}

/** Throws CliFailure: timeout with what is missing, interrupted, and as the agent refuses. */
async function waitFor(
  context: CliContext,
  api: Api,
  conditions: readonly Condition[],
  timeoutMs: number,
): Promise<readonly Sight[]> {
  const { signal } = context.deps;
  using scope = new Scope(signal);
  const timer = setTimeout(() => scope.end(), timeoutMs);
  await using progress = new Progress(context);
  const bounded = api.within(scope.signal);
  let missing = 'no answer came';
  try {
    for (;;) {
      const sights = await look(bounded, conditions, scope.signal);
      const unmet = sights?.filter(({ isMet }) => !isMet);
      if (sights !== undefined && unmet?.length === 0) return sights;
      if (unmet !== undefined) missing = unmet.map(({ what }) => what).join('; ');
      await progress.tell(missing);
      await systemClock.sleep(pollMs, scope.signal);
      if (signal.aborted) throw new CliFailure(exitCode.interrupted, `interrupted: ${missing}`);
      if (scope.signal.aborted) {
        throw new CliFailure(exitCode.timeout, `not met within ${formatDuration(timeoutMs)}: ${missing}`);
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined when the time was over before all have been seen. */
async function look(
  api: Api,
  conditions: readonly Condition[],
  signal: AbortSignal,
): Promise<readonly Sight[] | undefined> {
  try {
    const sights: Sight[] = [];
    for (const condition of conditions) sights.push(await condition.look(api));
    return sights;
  } catch (error) {
    if (signal.aborted) return undefined;
    const isAway = error instanceof CliFailure && mayPass.has(error.exitCode);
    if (!isAway) throw error;
    return [{ isMet: false, what: error.message }];
  }
}

const mayPass: ReadonlySet<number> = new Set([exitCode.unreachable, exitCode.timeout]);
