/**
 * Balance in a pool whose members are willing to lead nothing else: exact, and with as few moves as exact
 * balance allows.
 *
 * A member's exact share of P partitions is P · weight / (sum of weights). It ends with no less than that
 * rounded down and no more than that rounded up, and either will do: fixing which of the two each member gets
 * (by largest remainder, say) would make existing partitions move when one is added, the apportionment paradox.
 * So a member gives something up only when it is above its rounded-up share, or when others cannot reach their
 * rounded-down share without it.
 *
 * Vacant slots are filled one by one by the quota method (Balinski and Young, 1975). With F slots filled, a
 * member is eligible while it is below its share of F + 1, and of these the one that will be least loaded for
 * its weight is next. From an empty pool that keeps everyone within its rounded shares at every number of
 * partitions, so adding topics never moves what is there. It works from any other start as well, once nobody
 * has too much:
 * - Somebody is always eligible: all loads together are F, all shares of F + 1 together are F + 1.
 * - Nobody gets above its rounded-up share of P, since from there on it is not eligible.
 * - Everybody reaches its rounded-down share of P. Whoever is below it goes before all that are not, whenever it
 *   is eligible, and `surplusOf` has made room for all of them, so it can only fail by waiting. But what a member
 *   is not eligible for before F = t is at most its share of P less its share of t; together that is P - t, so it
 *   fits into the slots that are left then.
 */
import { Heap } from './heap.ts';
import type { Member } from './members.ts';
import type { Slices } from './slices.ts';
import { takeSurplus } from './surplus.ts';
import { compareCandidates, fillVacancies, type Turns } from './vacancies.ts';
import type { Pool } from './willingness.ts';

/** A member's exact share of the pool, rounded down and up; both the same when it is a whole number. */
interface Share {
  readonly least: number;
  readonly most: number;
}

type Shares = ReadonlyMap<Member, Share>;

export function* balanceExactly(pool: Pool, slices: Slices): Generator<void, void> {
  const partitions = partitionsOf(pool);
  if (slices.full(pool.topics.length + pool.members.length)) yield;
  const shares = sharesOf(pool.members, partitions);
  yield* takeSurplus(pool, surplusOf(shares, partitions), slices);
  if (partitions > totalLoad(pool.members)) {
    yield* fillVacancies(pool.topics, new QuotaTurns(pool.members), slices);
  }
}

/**
 * Whether everybody can reach its share with what is pinned left in place: nobody has more of it than its rounded-down
 * share, so that a surplus is never taken from that.
 */
export function pinsFit(pool: Pool): boolean {
  if (pool.members.every((member) => member.pinned === 0)) return true;
  const shares = sharesOf(pool.members, partitionsOf(pool));
  return [...shares].every(([member, { least }]) => member.pinned <= least);
}

/** What its members share: not what cordoned agents keep. For a pool whose members are in no other. */
function partitionsOf(pool: Pool): number {
  return totalLoad(pool.members) + pool.topics.reduce((sum, topic) => sum + topic.vacant, 0);
}

/** In whole numbers throughout, so exact while partitions · thousandths of weight stay below 2^53. */
function sharesOf(members: readonly Member[], partitions: number): Shares {
  const weights = totalWeight(members);
  return new Map(
    members.map((member) => {
      const remainder = (partitions * member.weight) % weights;
      const least = (partitions * member.weight - remainder) / weights;
      return [member, { least, most: remainder === 0 ? least : least + 1 }];
    }),
  );
}

/** How many each member must give up: the fewest that let everybody reach its share. */
function surplusOf(shares: Shares, partitions: number): Map<Member, number> {
  const surplus = new Map<Member, number>();
  const donors: Member[] = [];
  let vacant = partitions - totalLoad(shares.keys());
  let missing = 0;
  for (const [member, { least, most }] of shares) {
    const over = Math.max(0, member.load - most);
    if (over > 0) surplus.set(member, over);
    vacant += over;
    missing += Math.max(0, least - member.load);
    if (member.load - over > least) donors.push(member);
  }
  // Each donor can give one more: it has its rounded-up share. Those with the most for their weight give first.
  donors.sort((a, b) => shareUsed(b, shares) - shareUsed(a, shares) || a.order - b.order);
  for (const donor of donors.slice(0, Math.max(0, missing - vacant))) {
    surplus.set(donor, (surplus.get(donor) ?? 0) + 1);
  }
  return surplus;
}

/** Load per weight of a member that has its rounded-up share. */
function shareUsed(member: Member, shares: Shares): number {
  return (shares.get(member)?.most ?? 0) / member.weight;
}

/** The turns of the quota method. */
class QuotaTurns implements Turns {
  readonly candidates = new Heap<Member>(compareCandidates);
  /** Not yet eligible, the one that will be so first on top. */
  readonly #waiting: Heap<Member>;
  readonly #weights: number;
  #filled: number;

  constructor(members: readonly Member[]) {
    this.#waiting = new Heap(byEligibility, members);
    this.#weights = totalWeight(members);
    this.#filled = totalLoad(members);
  }

  prepare(): void {
    for (;;) {
      const next = this.#waiting.top;
      if (next === undefined || !this.#isEligible(next)) return;
      this.#waiting.remove(next);
      this.candidates.add(next);
    }
  }

  took(member: Member): void {
    this.#filled += 1;
    if (this.#isEligible(member)) {
      this.candidates.rerank(member);
    } else {
      this.candidates.remove(member);
      this.#waiting.add(member);
    }
  }

  /** Whether it is below its exact share of one partition more than is filled now. */
  #isEligible(member: Member): boolean {
    return member.load * this.#weights < (this.#filled + 1) * member.weight;
  }
}

function byEligibility(a: Member, b: Member): number {
  return a.load / a.weight - b.load / b.weight || a.order - b.order;
}

function totalLoad(members: Iterable<Member>): number {
  let total = 0;
  for (const member of members) total += member.load;
  return total;
}

function totalWeight(members: readonly Member[]): number {
  return members.reduce((sum, member) => sum + member.weight, 0);
}
