// What the store says of agents and partitions, read as the planner is told it: by the coordinator, whose plan is written, and
// by whoever wants to see what it would be.
import { settlesInMs } from '../domain/flapping.ts';
import { type Plan, planAssignment, type PlannerInput, unbounded } from '../domain/planner.ts';
import type { Clock } from '../platform/clock.ts';
import type { PlanningInput } from '../store/assignments.ts';

/** The coordinator's; it should be the same on all agents of a group. */
export interface PlacementOptions {
  /** While every agent is within so many percent of its share, nothing moves for balance. */
  readonly thresholdPercent: number;
  /** How many partitions may be on their way at a time for other reasons than that somebody must lead them. */
  readonly movesMax: number;
  /** How long an agent that crashed twice in a short time waits until it is given partitions, milliseconds; longer with each crash. */
  readonly returnDelayMs: number;
}

/**
 * `due`: what may be written next, with all bounds. `free`: the same without the bound on moves under way. `whole`: what is
 * wanted in the end when an operator asks for it: pins and a pause do not count, and neither does the threshold.
 */
export type PlanKind = 'due' | 'free' | 'whole';

/** The planner's input. An operator's request to apply makes a due plan as strict as a whole one. */
export function plannerInput(
  input: PlanningInput,
  kind: PlanKind,
  options: PlacementOptions,
  previousAgents?: readonly string[],
): PlannerInput {
  const isStrict = kind === 'whole' || input.applyRequestedAt !== null;
  const { thresholdPercent, movesMax, returnDelayMs } = options;
  return {
    agents: input.agents.map((agent) => ({
      ...agent,
      isUnsettled: settlesInMs(agent, returnDelayMs) > 0,
    })),
    partitions: kind === 'whole' ? input.partitions.map(unpinned) : input.partitions,
    departed: input.departed,
    ...(previousAgents && { previousAgents }),
    policy: {
      balances: isStrict || input.pausedSince === null,
      thresholdPercent: isStrict ? unbounded.thresholdPercent : thresholdPercent,
      movesMax: kind === 'due' ? movesMax : unbounded.movesMax,
    },
  };
}

function unpinned<P extends { readonly pinned: boolean }>(partition: P): P {
  return partition.pinned ? { ...partition, pinned: false } : partition;
}

/** Until the next agent is settled, milliseconds; undefined when all are. */
export function nextSettledInMs(
  input: PlanningInput,
  { returnDelayMs }: PlacementOptions,
): number | undefined {
  const delays = input.agents.map((agent) => settlesInMs(agent, returnDelayMs)).filter((ms) => ms > 0);
  return delays.length === 0 ? undefined : Math.min(...delays);
}

/** Slices are far shorter, and the event loop takes a millisecond to come back: so long is planned in one go. */
const turnMs = 5;

/** Plans slice by slice, so that heartbeats are never late because of it. Undefined when `signal` ended it. */
export function planInSlices(input: PlannerInput, clock: Clock): Promise<Plan>;
export function planInSlices(
  input: PlannerInput,
  clock: Clock,
  signal: AbortSignal,
): Promise<Plan | undefined>;
export async function planInSlices(
  input: PlannerInput,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Plan | undefined> {
  const planning = planAssignment(input);
  let sinceMs = clock.monotonicMs();
  for (;;) {
    if (signal?.aborted === true) return undefined;
    const step = planning.next();
    if (step.done) return step.value;
    if (clock.monotonicMs() - sinceMs < turnMs) continue;
    await clock.sleep(0, signal);
    sinceMs = clock.monotonicMs();
  }
}
