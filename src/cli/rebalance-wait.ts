// Waiting until what an operator asked of balancing is carried out, telling a terminal how far it is.
import { systemClock } from '../platform/clock.ts';
import { rebalanceForm, type RebalanceAnswer } from './answers.ts';
import type { Answer, Api } from './api.ts';
import type { CliContext } from './context.ts';
import { formatDuration } from './duration.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { counted } from './load-tables.ts';
import { Progress } from './progress.ts';

/** How often it looks, milliseconds. */
const pollMs = 250;

/** Nothing is asked for any more and nothing is on its way. Throws CliFailure: timeout, interrupted; it goes on all the same. */
export async function waitUntilApplied(
  context: CliContext,
  api: Api,
  timeoutMs: number | undefined,
): Promise<Answer<RebalanceAnswer>> {
  const { signal } = context.deps;
  const startedMs = systemClock.monotonicMs();
  await using progress = new Progress(context);
  for (;;) {
    const answer = await api.get(['v1', 'rebalance'], rebalanceForm);
    if (isSettled(answer.value)) return answer;
    const left = leftText(answer.value);
    await progress.tell(left);
    const waitedMs = systemClock.monotonicMs() - startedMs;
    if (timeoutMs !== undefined && waitedMs + pollMs > timeoutMs) {
      throw new CliFailure(
        exitCode.timeout,
        `after ${formatDuration(timeoutMs)} ${left}; the plan goes on being carried out`,
      );
    }
    await systemClock.sleep(pollMs, signal);
    if (signal.aborted) {
      throw new CliFailure(exitCode.interrupted, 'interrupted; the plan goes on being carried out');
    }
  }
}

/** Whether all that was asked for is assigned, and led by whom it is assigned to. */
export function isSettled({ applyRequestedAt, partitions }: RebalanceAnswer): boolean {
  return !applyRequestedAt && (partitions?.moving ?? 0) === 0;
}

/** `3 partitions are on their way, 5 more are to move`. */
export function leftText({ applyRequestedAt, partitions, wanted, coordinator }: RebalanceAnswer): string {
  const moving = partitions?.moving ?? 0;
  const isAre = moving === 1 ? 'is on its way' : 'are on their way';
  const parts = [
    `${counted(moving, 'partition', 'partitions')} ${isAre}`,
    ...(wanted ? [`${wanted} more ${wanted === 1 ? 'is' : 'are'} to move`] : []),
    ...(applyRequestedAt ? ['the coordinator has not written all of it yet'] : []),
    ...(coordinator ? [] : ['nobody is coordinator']),
  ];
  return parts.join(', ');
}
