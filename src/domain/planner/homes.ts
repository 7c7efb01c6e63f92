/**
 * Back to the agent that led a partition before it left. Agents that are restarted one after the other so move
 * each of their partitions twice, away and back (README.md, "Assignment").
 */
import type { Member } from './members.ts';
import type { Planning } from './planning.ts';
import { fill, type Slot, type TopicSlots, vacate } from './slots.ts';
import type { Pool } from './willingness.ts';

/** Whether balance allows it. */
export interface HomeRule {
  /** Called before a number of questions, between which nothing moves but what was allowed. */
  begin(): void;
  /** Whether `home` may have one of the donor's, null for a vacant one. Who hears yes moves it. */
  allows(donor: Member | null, home: Member): boolean;
}

export class Homecoming {
  readonly #topics: readonly TopicSlots[];
  readonly #planning: Planning;

  constructor(pools: readonly Pool[], planning: Planning) {
    this.#topics = pools.flatMap(({ topics }) => topics.filter(({ homing }) => homing.length > 0));
    this.#planning = planning;
  }

  /** Fills vacant slots. */
  *vacant(rule: HomeRule): Generator<void, void> {
    rule.begin();
    yield* this.#pass(rule, (slot) => slot.member === null);
  }

  /** True when anything went home. Each that does may make room for another one. */
  *all(rule: HomeRule): Generator<void, boolean> {
    let count = 0;
    for (;;) {
      rule.begin();
      const returned = yield* this.#pass(rule, () => true);
      if (returned === 0) return count > 0;
      count += returned;
    }
  }

  *#pass(rule: HomeRule, isMeant: (slot: Slot) => boolean): Generator<void, number> {
    let count = 0;
    for (const { homing } of this.#topics) {
      for (const slot of homing) {
        if (isMeant(slot) && this.#goesHome(slot, rule)) count += 1;
        if (this.#planning.slices.full()) yield;
      }
    }
    return count;
  }

  #goesHome(slot: Slot, rule: HomeRule): boolean {
    const { home, member } = slot;
    if (home === null || home === member || !rule.allows(member, home)) return false;
    vacate(slot);
    fill(slot, home, this.#planning);
    return true;
  }
}
