/** Taking partitions away from members that have too many: from the topics of which they have the most. */
import type { Member } from './members.ts';
import type { Slices } from './slices.ts';
import { isPinned, vacate, type Slot, type TopicSlots } from './slots.ts';
import { slotsOf, type Pool } from './willingness.ts';

/** Vacates as many of each member's slots in `pool` as `surplus` says, none that is pinned. It must have that many. */
export function* takeSurplus(
  pool: Pool,
  surplus: ReadonlyMap<Member, number>,
  slices: Slices,
): Generator<void, void> {
  if (surplus.size === 0) return;
  const shelves = new Map([...surplus.keys()].map((member) => [member, new Shelf()]));
  for (const slot of slotsOf(pool)) {
    if (slot.member !== null && !isPinned(slot)) shelves.get(slot.member)?.add(slot);
    if (slices.full()) yield;
  }
  for (const [member, count] of surplus) {
    for (let taken = 0; taken < count; taken += 1) {
      const slot = shelves.get(member)?.takeFromLargestTopic();
      if (slot === undefined) throw new Error(`${member.agentId} has fewer than ${count} partitions to give`);
      vacate(slot);
      if (slices.full()) yield;
    }
  }
}

/** The slots of one member, stacked by topic. Adding and taking cost the same however many topics there are. */
class Shelf {
  readonly #stacks = new Map<TopicSlots, Slot[]>();
  /**
   * By height, the topics whose stack has reached that height. An entry is stale when the stack has another
   * height by now, and is then dropped when met: cheaper than finding and removing it at once.
   */
  readonly #byHeight: TopicSlots[][] = [];

  add(slot: Slot): void {
    const stack = this.#stacks.get(slot.topic) ?? [];
    stack.push(slot);
    this.#stacks.set(slot.topic, stack);
    this.#note(slot.topic, stack.length);
  }

  /** Among equally high stacks the one that has reached that height last. */
  takeFromLargestTopic(): Slot | undefined {
    for (;;) {
      const highest = this.#byHeight.at(-1);
      if (highest === undefined) return undefined;
      const topic = highest.pop();
      if (topic === undefined) {
        this.#byHeight.pop();
        continue;
      }
      const stack = this.#stacks.get(topic);
      if (stack?.length !== this.#byHeight.length) continue;
      const slot = stack.pop();
      this.#note(topic, stack.length);
      return slot;
    }
  }

  #note(topic: TopicSlots, height: number): void {
    if (height === 0) return;
    (this.#byHeight[height - 1] ??= []).push(topic);
  }
}
