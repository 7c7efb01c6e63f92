/** How many partitions of one topic each member and each zone has: counted for the topic that is being filled. */
import type { Member } from './members.ts';
import type { TopicSlots } from './slots.ts';
import type { Turns } from './turns.ts';

export class TopicLoads {
  readonly #turns: Turns;
  #topic: TopicSlots | null = null;
  #holders: Member[] = [];

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Counts for `topic` from now on, for nobody with null. Answers about how many looks that took. */
  turnTo(topic: TopicSlots | null): number {
    if (topic === this.#topic) return 0;
    const forgotten = this.#holders.length;
    for (const member of this.#holders) {
      member.loadOfTopic = 0;
      member.zone.loadOfTopic = 0;
      this.#turns.rerank(member);
    }
    this.#holders = topic === null ? [] : this.#count(topic);
    this.#topic = topic;
    return forgotten + this.#holders.length + (topic?.slots.length ?? 0);
  }

  /** `member` has been given one more of it; it has yet to be ranked. */
  took(member: Member): void {
    if (member.loadOfTopic === 0) this.#holders.push(member);
    member.loadOfTopic += 1;
    member.zone.loadOfTopic += 1;
  }

  #count(topic: TopicSlots): Member[] {
    const counts = new Map<Member, number>();
    for (const { member } of topic.slots) {
      if (member !== null) counts.set(member, (counts.get(member) ?? 0) + 1);
    }
    for (const [member, count] of counts) {
      member.loadOfTopic = count;
      member.zone.loadOfTopic += count;
      this.#turns.rerank(member);
    }
    return [...counts.keys()];
  }
}
