/** Filling vacant slots: which member gets the next partition, and how one topic is spread over members. */
import { Heap } from './heap.ts';
import type { Member } from './members.ts';
import type { Slices } from './slices.ts';
import { fill, type TopicSlots } from './slots.ts';

/**
 * Negative when `a` should get the next partition of the topic being filled rather than `b`: the one that will be
 * least loaded for its weight, then the one with the fewest partitions of the topic, then by id. The one place where
 * candidates are compared: a further preference is a further term, but below the load, on which the balance rests
 * (quota.ts, greedy.ts).
 */
export function compareCandidates(a: Member, b: Member): number {
  return loadWithOneMore(a) - loadWithOneMore(b) || a.loadOfTopic - b.loadOfTopic || a.order - b.order;
}

/**
 * Per weight. A division is rounded correctly, so equal ratios are equal numbers, and the order is a total one.
 */
export function loadWithOneMore({ load, weight }: { load: number; weight: number }): number {
  return (load + 1) / weight;
}

/** Who may be given something, and in which order. */
export interface Turns {
  /** Best first by `compareCandidates`; never empty while a slot is vacant. */
  readonly candidates: Heap<Member>;
  /** Called before each choice; may let further members in. */
  prepare(): void;
  /** Called after `member` has been given a slot. */
  took(member: Member): void;
}

/** Everyone willing, all the time. */
export class OpenTurns implements Turns {
  readonly candidates: Heap<Member>;

  constructor(members: readonly Member[]) {
    this.candidates = new Heap(compareCandidates, members);
  }

  prepare(): void {}

  took(member: Member): void {
    this.candidates.rerank(member);
  }
}

/**
 * Choosing a member means moving it in a heap or two: more than the one look that a unit of work stands for.
 */
const unitsPerChoice = 4;

/** Fills all vacant slots of `topics`, in their order. */
export function* fillVacancies(
  topics: readonly TopicSlots[],
  turns: Turns,
  slices: Slices,
): Generator<void, void> {
  for (const topic of topics) {
    if (slices.full()) yield;
    if (topic.vacant === 0) continue;
    const holders = countHolders(topic, turns);
    if (slices.full(topic.slots.length + holders.length)) yield;
    for (const slot of topic.slots) {
      if (slot.member !== null) continue;
      turns.prepare();
      const member = turns.candidates.top;
      if (member === undefined) throw new Error(`no candidate for ${topic.name}/${slot.input.partition}`);
      fill(slot, member);
      if (member.loadOfTopic === 0) holders.push(member);
      member.loadOfTopic += 1;
      turns.took(member);
      if (slices.full(unitsPerChoice)) yield;
    }
    forgetHolders(holders, turns);
    if (slices.full(holders.length)) yield;
  }
}

/** Sets `loadOfTopic` of the members that have some of the topic, and returns these. */
function countHolders(topic: TopicSlots, turns: Turns): Member[] {
  const counts = new Map<Member, number>();
  for (const { member } of topic.slots) {
    if (member !== null) counts.set(member, (counts.get(member) ?? 0) + 1);
  }
  for (const [member, count] of counts) {
    member.loadOfTopic = count;
    turns.candidates.rerank(member);
  }
  return [...counts.keys()];
}

function forgetHolders(holders: readonly Member[], turns: Turns): void {
  for (const member of holders) {
    member.loadOfTopic = 0;
    turns.candidates.rerank(member);
  }
}
