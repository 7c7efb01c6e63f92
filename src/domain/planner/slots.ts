/**
 * The partitions as the planner works with them: grouped by topic, each a slot that a member fills or that is
 * vacant.
 */
import type { PlannerPartition } from './input.ts';
import type { Member, Profile } from './members.ts';
import type { Slices } from './slices.ts';
import { compareText, sortInSlices } from './sort.ts';

export interface Slot {
  readonly input: PlannerPartition;
  readonly topic: TopicSlots;
  /** Whether the agent that it is assigned to can keep it, so that only balance or a wish can move it. */
  mayStay: boolean;
  /** Whether nobody alive leads it, or the one that does is about to stop: then its move is never held back. */
  isUrgent: boolean;
  /** Whether it is where an operator wants it: balance works around it. */
  isPinned: boolean;
  /** The agent that it goes back to as far as balance allows; null when it has none or that one does not take it. */
  home: Member | null;
  /** Where the plan puts the partition; null while it is vacant. Changed by `fill` and `vacate` only. */
  member: Member | null;
  /**
   * When it was put there. What the plan moves first it also moves first when it may not move all at a time (see throttle.ts):
   * only then does the next plan go on where this one stops.
   */
  turn: number;
}

export interface TopicSlots {
  readonly name: string;
  /** Place among all topics by name. */
  order: number;
  /** By partition number. */
  slots: readonly Slot[];
  /** Those that have a home. */
  readonly homing: Slot[];
  /** How many of its slots are vacant. */
  vacant: number;
  /** Who lists it (see willingness.ts), cordoned agents among them. */
  willing: ReadonlySet<Profile>;
}

/** `planning` counts the turns. */
export function fill(slot: Slot, member: Member, planning: { turns: number }): void {
  planning.turns += 1;
  slot.turn = planning.turns;
  slot.member = member;
  slot.topic.vacant -= 1;
  member.load += 1;
}

export function vacate(slot: Slot): void {
  if (slot.member === null) return;
  slot.member.load -= 1;
  slot.topic.vacant += 1;
  slot.member = null;
}

/** All slots vacant, topics by name, slots by number. Throws RangeError for a partition listed twice. */
export function* readTopics(
  partitions: readonly PlannerPartition[],
  slices: Slices,
): Generator<void, readonly TopicSlots[]> {
  const gathered = yield* gather(partitions, slices);
  const topics: TopicSlots[] = [];
  for (const { topic, slots, ascending } of gathered) {
    topic.slots = ascending ? slots : yield* sortInSlices(slots, byNumber, slices);
    if (!ascending) yield* refuseTwins(topic, slices);
    topics.push(topic);
    if (slices.full()) yield;
  }
  const sorted = yield* sortInSlices(topics, byName, slices);
  for (const [order, topic] of sorted.entries()) {
    topic.order = order;
    if (slices.full()) yield;
  }
  return sorted;
}

interface Gathered {
  readonly topic: TopicSlots;
  readonly slots: Slot[];
  /**
   * Whether each number so far was above the one before: then there is nothing to sort and no number comes
   * twice.
   */
  ascending: boolean;
}

const nobody: ReadonlySet<Profile> = new Set();

function* gather(
  partitions: readonly PlannerPartition[],
  slices: Slices,
): Generator<void, Iterable<Gathered>> {
  const byTopic = new Map<string, Gathered>();
  let current: Gathered | undefined;
  for (const partition of partitions) {
    // Partitions of one topic mostly come together: one lookup for all of them.
    if (current?.topic.name !== partition.topic) {
      current = byTopic.get(partition.topic);
      if (current === undefined) {
        current = {
          topic: {
            name: partition.topic,
            order: 0,
            slots: [],
            homing: [],
            vacant: 0,
            willing: nobody,
          },
          slots: [],
          ascending: true,
        };
        byTopic.set(partition.topic, current);
      }
    }
    const { topic, slots } = current;
    const last = slots.at(-1);
    if (last !== undefined && last.input.partition >= partition.partition) current.ascending = false;
    slots.push({
      input: partition,
      topic,
      mayStay: false,
      isUrgent: false,
      isPinned: false,
      home: null,
      member: null,
      turn: 0,
    });
    topic.vacant += 1;
    if (slices.full()) yield;
  }
  return byTopic.values();
}

function* refuseTwins(topic: TopicSlots, slices: Slices): Generator<void, void> {
  let previous: number | undefined;
  for (const { input } of topic.slots) {
    if (input.partition === previous) throw new RangeError(`${topic.name}/${previous} is listed twice`);
    previous = input.partition;
    if (slices.full()) yield;
  }
}

function byNumber(a: Slot, b: Slot): number {
  return a.input.partition - b.input.partition;
}

function byName(a: TopicSlots, b: TopicSlots): number {
  return compareText(a.name, b.name);
}
