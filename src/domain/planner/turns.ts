/** Whose turn it is to get the next partition: balance decides it, and leaves a choice among those that are equally loaded. */
import { Heap } from './heap.ts';
import type { Member } from './members.ts';
import type { Zone } from './zones.ts';

/**
 * Negative when `a` should get the next partition of the topic being filled rather than `b`: the one that will be
 * least loaded for its weight, then the one with the fewest partitions of the topic, then by id. The load goes first: the
 * balance rests on it (quota.ts, greedy.ts).
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

/** The members of one zone. */
export interface Stand {
  readonly zone: Zone;
  /** Those whose turn it can be, best first by `compareCandidates`. */
  readonly candidates: Heap<Member>;
  /** Of all its members together. */
  readonly weight: number;
  load: number;
}

export class Turns {
  readonly stands: readonly Stand[];
  /** By the zone's place among all zones. */
  readonly #byZone: (Stand | undefined)[] = [];

  constructor(members: readonly Member[]) {
    const byZone = new Map<Zone, Member[]>();
    for (const member of members) {
      const ofZone = byZone.get(member.zone);
      if (ofZone === undefined) byZone.set(member.zone, [member]);
      else ofZone.push(member);
    }
    this.stands = [...byZone]
      .sort(([a], [b]) => a.order - b.order)
      .map(([zone, ofZone]) => ({
        zone,
        candidates: new Heap(compareCandidates),
        weight: ofZone.reduce((sum, { weight }) => sum + weight, 0),
        load: ofZone.reduce((sum, { load }) => sum + load, 0),
      }));
    for (const stand of this.stands) this.#byZone[stand.zone.order] = stand;
  }

  standOf(zone: Zone | undefined): Stand | undefined {
    return zone && this.#byZone[zone.order];
  }

  /** Called before each choice; may let further members in. */
  prepare(): void {}

  /** Called after `member` has been given a partition. */
  took(member: Member): void {
    const stand = this.standOf(member.zone);
    if (stand !== undefined) stand.load += 1;
  }

  /** To be called when `loadOfTopic` of a member has changed, whether it is a candidate or not. */
  rerank(member: Member): void {
    this.standOf(member.zone)?.candidates.rerank(member);
  }

  /** `loadWithOneMore` of those whose turn it is: the best of each stand that has just this much, and no other. */
  least(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { candidates } of this.stands) {
      if (candidates.top !== undefined) least = Math.min(least, loadWithOneMore(candidates.top));
    }
    return least;
  }
}

/** Everyone, all the time. */
export class OpenTurns extends Turns {
  constructor(members: readonly Member[]) {
    super(members);
    for (const member of members) this.standOf(member.zone)?.candidates.add(member);
  }

  override took(member: Member): void {
    super.took(member);
    this.rerank(member);
  }
}
