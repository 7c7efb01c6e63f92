/**
 * Which vacant slot goes to whom. Balance says whose turn it is (turns.ts), which leaves a choice among the equally
 * loaded, and the order in which slots come is free as well. Both are used for these, in this order: what leaves an
 * agent stays in its zone, a topic is spread over zones, then over agents, ids decide.
 *
 * A slot whose zone has nobody whose turn it is waits, while slots of other zones, and those that have none, take
 * what is there. Only when nothing else is left does it go elsewhere.
 *
 * Each choice depends on nothing but where all partitions are and which are vacant. A plan that is carried out as
 * far as some choice, and made anew, therefore goes on with the next one.
 */
import type { Planning } from './planning.ts';
import type { Slot, TopicSlots } from './slots.ts';
import { fill } from './slots.ts';
import { TopicLoads } from './topic-loads.ts';
import { compareCandidates, loadWithOneMore, type Stand, type Turns } from './turns.ts';

/**
 * Choosing a member means moving it in a heap or two: more than the one look that a unit of work stands for.
 */
const unitsPerChoice = 4;

/** Fills all vacant slots of `topics`, those first that are urgent. */
export function* fillVacancies(
  topics: readonly TopicSlots[],
  turns: Turns,
  planning: Planning,
): Generator<void, void> {
  const { slices } = planning;
  const urgent = new Vacancies(turns, planning);
  const others = new Vacancies(turns, planning);
  for (const topic of topics) {
    if (slices.full()) yield;
    if (topic.vacant === 0) continue;
    for (const slot of topic.slots) {
      if (slot.member === null) (slot.isUrgent ? urgent : others).add(slot);
    }
    if (slices.full(topic.slots.length)) yield;
  }

  const loads = new TopicLoads(turns);
  for (const vacancies of [urgent, others]) {
    for (;;) {
      turns.prepare();
      const least = turns.least();
      const next = vacancies.next(least);
      if (next === undefined) break;
      const { slot } = next;
      const looks = loads.turnTo(slot.topic);
      const stand = next.stand ?? bestStand(turns, least);
      const member = stand?.candidates.top;
      if (stand === undefined || member === undefined) {
        throw new Error(`no candidate for ${slot.topic.name}/${slot.input.partition}`);
      }
      fill(slot, member, planning);
      loads.took(member);
      turns.took(member);
      if (slices.full(unitsPerChoice + turns.stands.length + looks)) yield;
    }
  }
  loads.turnTo(null);
}

/** Of those whose turn it is: where the fewest of the topic are, then the one least loaded for its weight as a whole. */
function bestStand(turns: Turns, least: number): Stand | undefined {
  let best: Stand | undefined;
  for (const stand of turns.stands) {
    if (isTurnOf(stand, least) && (best === undefined || compareStands(stand, best) < 0)) best = stand;
  }
  return best;
}

function compareStands(a: Stand, b: Stand): number {
  const bySpread = a.zone.loadOfTopic - b.zone.loadOfTopic || a.load / a.weight - b.load / b.weight;
  if (bySpread !== 0 || a.candidates.top === undefined || b.candidates.top === undefined) return bySpread;
  return compareCandidates(a.candidates.top, b.candidates.top);
}

function isTurnOf({ candidates }: Stand, least: number): boolean {
  return candidates.top !== undefined && loadWithOneMore(candidates.top) === least;
}

/** Slots in the order of topics and numbers, taken from the front. */
class Queue {
  readonly #slots: Slot[] = [];
  #taken = 0;

  get first(): Slot | undefined {
    return this.#slots[this.#taken];
  }

  get length(): number {
    return this.#slots.length - this.#taken;
  }

  add(slot: Slot): void {
    this.#slots.push(slot);
  }

  take(): void {
    this.#taken += 1;
  }
}

/** Vacant slots, by the zone in which they should stay. */
class Vacancies {
  readonly #turns: Turns;
  readonly #zones: Planning['zones'];
  readonly #staying: readonly { readonly stand: Stand; readonly queue: Queue }[];
  /** New ones, and those from a zone where nobody takes them. */
  readonly #free = new Queue();

  constructor(turns: Turns, { zones }: Planning) {
    this.#turns = turns;
    this.#zones = zones;
    this.#staying = turns.stands.map((stand) => ({ stand, queue: new Queue() }));
  }

  add(slot: Slot): void {
    const { assignedTo } = slot.input;
    const stand = assignedTo === null ? undefined : this.#turns.standOf(this.#zones.get(assignedTo));
    const staying = stand && this.#staying.find((each) => each.stand === stand);
    (staying?.queue ?? this.#free).add(slot);
  }

  /**
   * Takes the slot to fill next. `stand`: it should go there. The earliest by topic among those that can stay in their zone, because
   * turning to another topic costs a look at all of it; else a free one, else one of the zone that has the most of them.
   */
  next(least: number): { readonly slot: Slot; readonly stand: Stand | undefined } | undefined {
    let stand: Stand | undefined;
    let queue = this.#free;
    let earliest: Slot | undefined;
    for (const each of this.#staying) {
      const { first } = each.queue;
      if (first === undefined) continue;
      if (isTurnOf(each.stand, least)) {
        if (earliest !== undefined && isBefore(earliest, first)) continue;
        ({ stand, queue } = each);
        earliest = first;
      } else if (earliest === undefined && this.#free.length === 0 && each.queue.length > queue.length) {
        ({ queue } = each);
      }
    }
    const slot = queue.first;
    if (slot === undefined) return undefined;
    queue.take();
    return { slot, stand };
  }
}

function isBefore(a: Slot, b: Slot): boolean {
  return a.topic.order < b.topic.order || (a.topic === b.topic && a.input.partition < b.input.partition);
}
