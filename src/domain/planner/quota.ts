/**
 * Balance in a pool whose members are willing to lead nothing else: exact, and with as few moves as exact balance allows.
 *
 * A member's exact share of P partitions is P · weight / (sum of weights). It ends with no less than that rounded down
 * and no more than that rounded up, and either will do: fixing which of the two each member gets (by largest remainder,
 * say) would make existing partitions move when one is added, the apportionment paradox. So a member gives something
 * up only when it is above its rounded-up share, or when others cannot reach their rounded-down share without it.
 *
 * Vacant slots are filled one by one as in the quota method (Balinski and Young, 1975; in scheduling: earliest deadline
 * first, each job released by its share): with P' slots filled, only a member below its share of P' + 1 is eligible, and of these the one that
 * will be least loaded for its weight gets the next. The method keeps everyone within its rounded shares at *every*
 * number of partitions: whoever adds topics to a pool that was filled this way never moves one that is there.
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
  const partitions = pool.topics.reduce((sum, topic) => sum + topic.slots.length, 0);
  if (slices.full(pool.topics.length + pool.members.length)) yield;
  const shares = sharesOf(pool.members, partitions);
  yield* takeSurplus(pool, surplusOf(shares, partitions), slices);
  if (partitions > totalLoad(pool.members)) {
    yield* fillVacancies(pool.topics, new QuotaTurns(shares, partitions), slices);
  }
}

/** In whole numbers throughout, so exact while partitions · thousandths of weight stay below 2^53. */
function sharesOf(members: readonly Member[], partitions: number): Shares {
  const weights = members.reduce((sum, member) => sum + member.weight, 0);
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
  let vacant = partitions - totalLoad(shares.keys());
  for (const [member, { most }] of shares) {
    if (member.load <= most) continue;
    surplus.set(member, member.load - most);
    vacant += member.load - most;
  }

  let missing = totalOwed(shares) - vacant;
  if (missing <= 0) return surplus;
  // Those above their rounded-down share have exactly one more than that by now; the most loaded for their weight give first.
  const left = (member: Member): number => member.load - (surplus.get(member) ?? 0);
  const donors = [...shares].filter(([member, { least }]) => left(member) > least).map(([member]) => member);
  donors.sort((a, b) => left(b) / b.weight - left(a) / a.weight || a.order - b.order);
  for (const donor of donors) {
    if (missing === 0) break;
    surplus.set(donor, (surplus.get(donor) ?? 0) + 1);
    missing -= 1;
  }
  return surplus;
}

/** The turns of the quota method, and once there is only just enough left, of those still below their share alone. */
class QuotaTurns implements Turns {
  readonly candidates = new Heap<Member>(compareCandidates);
  /** Not yet eligible, the one that will be so first on top. */
  readonly #waiting = new Heap<Member>(byRelease);
  readonly #shares: Shares;
  readonly #weights: number;
  #filled: number;
  #vacant: number;
  /** What members are short of their rounded-down shares, together. Never more than is vacant. */
  #owed: number;
  #onlyOwed = false;

  constructor(shares: Shares, partitions: number) {
    this.#shares = shares;
    this.#weights = [...shares.keys()].reduce((sum, member) => sum + member.weight, 0);
    this.#filled = totalLoad(shares.keys());
    this.#vacant = partitions - this.#filled;
    this.#owed = totalOwed(shares);
    for (const member of shares.keys()) this.#waiting.add(member);
  }

  prepare(): void {
    if (!this.#onlyOwed && this.#owed === this.#vacant) this.#admitOnlyOwed();
    if (this.#onlyOwed) return;
    for (;;) {
      const next = this.#waiting.top;
      if (next === undefined || !this.#isEligible(next)) return;
      this.#waiting.remove(next);
      this.candidates.add(next);
    }
  }

  took(member: Member): void {
    const least = this.#shares.get(member)?.least ?? 0;
    this.#filled += 1;
    this.#vacant -= 1;
    if (member.load <= least) this.#owed -= 1;
    if (this.#onlyOwed ? member.load < least : this.#isEligible(member)) {
      this.candidates.rerank(member);
      return;
    }
    this.candidates.remove(member);
    if (!this.#onlyOwed) this.#waiting.add(member);
  }

  /** Whether it is below its exact share of one partition more than is filled now. */
  #isEligible(member: Member): boolean {
    return member.load * this.#weights < (this.#filled + 1) * member.weight;
  }

  /** Happens only when members start below their shares, as after a join or a leave. */
  #admitOnlyOwed(): void {
    this.#onlyOwed = true;
    for (const [member, { least }] of this.#shares) {
      this.candidates.remove(member);
      this.#waiting.remove(member);
      if (member.load < least) this.candidates.add(member);
    }
  }
}

function byRelease(a: Member, b: Member): number {
  return a.load / a.weight - b.load / b.weight || a.order - b.order;
}

function totalLoad(members: Iterable<Member>): number {
  let total = 0;
  for (const member of members) total += member.load;
  return total;
}

function totalOwed(shares: Shares): number {
  let total = 0;
  for (const [member, { least }] of shares) total += Math.max(0, least - member.load);
  return total;
}
