/** Where each partition is before anything is balanced: what can stay stays, what an operator wishes elsewhere goes there. */
import type { Member } from './members.ts';
import type { Planning } from './planning.ts';
import { fill, type Slot, type TopicSlots } from './slots.ts';

/** Leaves vacant what has no agent that could keep it, or that is preferred. */
export function* keepInPlace(topics: readonly TopicSlots[], planning: Planning): Generator<void, void> {
  for (const topic of topics) {
    for (const slot of topic.slots) {
      keep(slot, planning);
      if (planning.slices.full()) yield;
    }
  }
}

function keep(slot: Slot, planning: Planning): void {
  const { input, topic } = slot;
  // The assigned agent before the holder: a handoff under way must not be taken back while the old one still leads.
  const assigned = willingMember(input.assignedTo, topic, planning);
  slot.mayStay = assigned !== undefined;
  slot.isUrgent = isUrgent(slot, planning);
  const isFixed = slot.mayStay && (input.pinned || !planning.policy.balances);
  const keeper = assigned ?? willingMember(input.holder, topic, planning);
  const preferred = isFixed ? undefined : preferredMember(slot, keeper, planning);
  const member = preferred ?? keeper;
  slot.isPinned = preferred !== undefined || (slot.mayStay && input.pinned);
  if (member !== undefined) fill(slot, member, planning);
  if (member !== undefined && slot.isPinned) member.pinned += 1;

  const home = slot.isPinned ? undefined : willingMember(input.home ?? null, topic, planning);
  if (home?.isOpen !== true) return;
  slot.home = home;
  topic.homing.push(slot);
}

/** The first that may be given it. One that may not, but has it, keeps it rather than that it goes to a later one. */
function preferredMember(slot: Slot, keeper: Member | undefined, planning: Planning): Member | undefined {
  for (const agentId of slot.input.prefer ?? []) {
    const member = willingMember(agentId, slot.topic, planning);
    if (member !== undefined && (member.isOpen || member === keeper)) return member;
  }
  return undefined;
}

/** Whether nobody alive leads it, or the one that leads it is about to stop leading. */
function isUrgent({ input }: Slot, { present }: Planning): boolean {
  if (input.holder === null || !present.has(input.holder) || input.assignedTo === null) return true;
  const agent = present.get(input.assignedTo);
  return agent === undefined || (agent.takes === 'nothing' && agent.leaving !== 'drain');
}

function willingMember(agentId: string | null, topic: TopicSlots, { members }: Planning): Member | undefined {
  const member = agentId === null ? undefined : members.get(agentId);
  return member !== undefined && topic.willing.has(member.profile) ? member : undefined;
}
