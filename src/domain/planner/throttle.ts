/** How many partitions are on their way at a time: holds back what need not move now. */
import type { Planning } from './planning.ts';
import type { Slot, TopicSlots } from './slots.ts';
import { sortInSlices } from './sort.ts';

/**
 * The slots that stay where they are assigned for now, though the plan wants them elsewhere. Of those that may be held back the
 * ones that the plan moved first go, as many as there is room for.
 */
export function* holdBack(
  topics: readonly TopicSlots[],
  planning: Planning,
): Generator<void, ReadonlySet<Slot>> {
  const { slices, policy } = planning;
  const held = new Set<Slot>();
  if (policy.movesMax === Number.POSITIVE_INFINITY) return held;
  let room = policy.movesMax;
  const planned: Slot[] = [];
  for (const topic of topics) {
    for (const slot of topic.slots) {
      const { assignedTo, holder } = slot.input;
      const wanted = slot.member?.agentId ?? null;
      // What cannot stay where it is assigned and stays with the one that leads it does not move at all.
      const isKept = !slot.mayStay && wanted === holder;
      const mayWait = wanted !== assignedTo && !isKept && !slot.isUrgent;
      if (mayWait) planned.push(slot);
      if (isOnItsWay(slot, mayWait ? assignedTo : wanted, planning)) room -= 1;
      if (slices.full()) yield;
    }
  }
  for (const slot of yield* sortInSlices(planned, byTurn, slices)) {
    const isCounted = isOnItsWay(slot, slot.input.assignedTo, planning);
    // Not even one that costs nothing goes before its turn: the next plan could not go on where this one stops.
    if (held.size > 0 || (room <= 0 && !isCounted)) held.add(slot);
    else if (!isCounted) room -= 1;
    if (slices.full()) yield;
  }
  return held;
}

/** Whether it has been given to a living agent that does not lead it yet. */
function isOnItsWay({ input }: Slot, assignedTo: string | null, { present }: Planning): boolean {
  return assignedTo !== null && input.holder !== assignedTo && present.has(assignedTo);
}

/** What nobody takes was never put anywhere, and comes last. */
function byTurn(a: Slot, b: Slot): number {
  return Number(a.member === null) - Number(b.member === null) || a.turn - b.turn;
}
