// Waiting until a drained agent leads nothing, and saying what holds it up.
import { systemClock } from '../platform/clock.ts';
import { agentForm, type AgentAnswer, rebalanceForm } from './answers.ts';
import type { Api } from './api.ts';
import type { CliContext } from './context.ts';
import { formatDuration } from './duration.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { Progress } from './progress.ts';

/** How often it looks, milliseconds. */
const pollMs = 250;

/** Ends when the agent leads nothing, its session's end included. The drain goes on whoever waits for it. */
export async function waitUntilEmpty(
  context: CliContext,
  api: Api,
  agentId: string,
  timeoutMs: number | undefined,
) {
  const { signal } = context.deps;
  const startedMs = systemClock.monotonicMs();
  await using progress = new Progress(context);
  for (;;) {
    const answer = await api.get(['v1', 'agents', agentId], agentForm);
    const leases = answer.value.leases ?? 0;
    if (leases === 0) return answer;
    const state = `agent ${agentId} still leads ${partitionsText(answer.value)}`;
    const waitedMs = systemClock.monotonicMs() - startedMs;
    const isOver = timeoutMs !== undefined && waitedMs + pollMs > timeoutMs;
    if (isOver || progress.isSeen) {
      const why = await reasonToWait(api, agentId, leases);
      await progress.tell(`${state}: ${why}`);
      if (isOver) {
        const text = `${state} after ${formatDuration(timeoutMs)}: ${why}; it goes on draining`;
        throw new CliFailure(exitCode.timeout, text);
      }
    }
    await systemClock.sleep(pollMs, signal);
    if (signal.aborted) {
      throw new CliFailure(exitCode.interrupted, `interrupted; agent ${agentId} goes on draining`);
    }
  }
}

export function partitionsText({ leases }: AgentAnswer): string {
  return leases === 1 ? '1 partition' : `${leases ?? 'unknown'} partitions`;
}

async function reasonToWait(api: Api, agentId: string, leases: number): Promise<string> {
  const { value } = await api.get(['v1', 'rebalance'], rebalanceForm);
  const takers = (value.agents ?? []).filter((each) => each.agentId !== agentId && each.state === 'active');
  if (takers.length === 0) return 'no other agent takes any';
  if (value.coordinator === null) return 'nobody is coordinator, so nothing is planned';
  // A cluster that moves more than the answer lists hands over all the same.
  const asked = (value.moving ?? []).filter(({ from }) => from === agentId).length;
  if (asked >= leases) return 'it and its broker have to hand them over';
  if (asked === 0) return 'the plan has not moved them yet';
  return `it and its broker have to hand over ${asked}, the others wait for moves under way`;
}
