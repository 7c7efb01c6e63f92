/** Taking partitions away from members that have too many: from the topics of which they have the most. */
import type { Member } from './members.ts';
import type { Slices } from './slices.ts';
import { vacate, type Slot, type TopicSlots } from './slots.ts';
import { sortInSlices } from './sort.ts';
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
    if (slot.member !== null && !slot.isPinned) shelves.get(slot.member)?.add(slot);
    if (slices.full()) yield;
  }
  for (const [member, count] of surplus) {
    const shelf = shelves.get(member);
    const shelved = shelf === undefined ? [] : yield* shelf.highestFirst(slices);
    if (shelved.length < count)
      throw new Error(`${member.agentId} has fewer than ${count} partitions to give`);
    for (const { slot } of shelved.slice(0, count)) {
      vacate(slot);
      if (slices.full()) yield;
    }
  }
}

interface Shelved {
  readonly slot: Slot;
  /** How many of its topic were there, with it. */
  readonly height: number;
}

/**
 * The slots of one member, stacked by topic. Taking from the highest stacks depends on nothing but their
 * heights: when some of what is to be taken is gone already, the rest is the same.
 */
class Shelf {
  readonly #slots: Shelved[] = [];
  #topic: TopicSlots | null = null;
  #height = 0;

  /** In the order of topics and numbers. */
  add(slot: Slot): void {
    this.#height = slot.topic === this.#topic ? this.#height + 1 : 1;
    this.#topic = slot.topic;
    this.#slots.push({ slot, height: this.#height });
  }

  *highestFirst(slices: Slices): Generator<void, readonly Shelved[]> {
    return yield* sortInSlices(this.#slots, byHeight, slices);
  }
}

/** Among equally high ones the last topic first. */
function byHeight(a: Shelved, b: Shelved): number {
  return b.height - a.height || b.slot.topic.order - a.slot.topic.order;
}
