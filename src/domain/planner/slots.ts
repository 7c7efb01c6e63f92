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
  /** Whether the agent that it is assigned to can keep it, so that only balance can move it. */
  mayStay: boolean;
  /** Where the plan puts the partition; null while it is vacant. Changed by `fill` and `vacate` only. */
  member: Member | null;
}

export interface TopicSlots {
  readonly name: string;
  /** By partition number. */
  slots: readonly Slot[];
  /** How many of its slots are vacant. */
  vacant: number;
  /** Who lists it (see willingness.ts), cordoned agents among them. */
  willing: ReadonlySet<Profile>;
}

/** Whether it is pinned to where it is. A pin ends with the agent's taking it. */
export function isPinned(slot: Slot): boolean {
  return slot.mayStay && slot.input.pinned;
}

export function fill(slot: Slot, member: Member): void {
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
  return yield* sortInSlices(topics, byName, slices);
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
          topic: { name: partition.topic, slots: [], vacant: 0, willing: nobody },
          slots: [],
          ascending: true,
        };
        byTopic.set(partition.topic, current);
      }
    }
    const { topic, slots } = current;
    const last = slots.at(-1);
    if (last !== undefined && last.input.partition >= partition.partition) current.ascending = false;
    slots.push({ input: partition, topic, mayStay: false, member: null });
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
