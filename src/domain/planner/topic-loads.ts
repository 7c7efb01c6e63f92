/** How many partitions of one topic each member and each zone has: counted for the topic that is being filled. */
import type { Member } from './members.ts';
import type { TopicSlots } from './slots.ts';
import type { Turns } from './turns.ts';

type Counts = ReadonlyMap<Member, number>;

export class TopicLoads {
  readonly #turns: Turns;
  #topic: TopicSlots | null = null;
  #holders: Member[] = [];
  /** Of topics that were left with vacant slots, so that going to and fro does not cost a look at all their partitions. */
  readonly #left = new Map<TopicSlots, Counts>();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Counts for `topic` from now on, for nobody with null. Answers about how many looks that took. */
  turnTo(topic: TopicSlots | null): number {
    if (topic === this.#topic) return 0;
    const known = topic === null ? undefined : this.#left.get(topic);
    const looks = this.#holders.length + (known === undefined ? (topic?.slots.length ?? 0) : known.size);
    this.#forget();
    this.#topic = topic;
    this.#note(known ?? countHolders(topic));
    return looks;
  }

  /** `member` has been given one more of it; it has yet to be ranked. */
  took(member: Member): void {
    if (member.loadOfTopic === 0) this.#holders.push(member);
    member.loadOfTopic += 1;
    member.zone.loadOfTopic += 1;
  }

  #note(counts: Counts): void {
    this.#holders = [...counts.keys()];
    for (const [member, count] of counts) {
      member.loadOfTopic = count;
      member.zone.loadOfTopic += count;
      this.#turns.rerank(member);
    }
  }

  #forget(): void {
    if (this.#topic !== null && this.#topic.vacant > 0) {
      this.#left.set(this.#topic, new Map(this.#holders.map((member) => [member, member.loadOfTopic])));
    } else if (this.#topic !== null) {
      this.#left.delete(this.#topic);
    }
    for (const member of this.#holders) {
      member.loadOfTopic = 0;
      member.zone.loadOfTopic = 0;
      this.#turns.rerank(member);
    }
  }
}

function countHolders(topic: TopicSlots | null): Counts {
  const counts = new Map<Member, number>();
  for (const { member } of topic?.slots ?? []) {
    if (member !== null) counts.set(member, (counts.get(member) ?? 0) + 1);
  }
  return counts;
}
