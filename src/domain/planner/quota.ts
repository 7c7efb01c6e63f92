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
 *
 * Where operators gave a member more than its rounded-down share, it keeps just that, and all of this holds for the rest
 * among the others.
 */
import { Heap } from './heap.ts';
import { Homecoming, type HomeRule } from './homes.ts';
import type { Member } from './members.ts';
import type { Planning } from './planning.ts';
import { vacate, type Slot } from './slots.ts';
import { takeSurplus } from './surplus.ts';
import { OpenTurns, Turns } from './turns.ts';
import { fillVacancies } from './vacancies.ts';
import { slotsOf, type Pool } from './willingness.ts';

/** A member's exact share of the pool, and rounded down and up; all the same when it is a whole number. */
interface Share {
  readonly exact: number;
  readonly least: number;
  readonly most: number;
}

type Shares = ReadonlyMap<Member, Share>;

/** What to hold its members to, in a pool where they are in no other. */
interface Balance {
  readonly shares: Shares;
  /** Those that the quota method gives turns: all but those that have more from operators than their share. */
  readonly sharing: readonly Member[];
}

export function* balanceExactly(pool: Pool, planning: Planning): Generator<void, void> {
  const { slices, policy } = planning;
  const homecoming = new Homecoming([pool], planning);
  if (slices.full(2 * pool.topics.length + pool.members.length)) yield;
  const { shares, sharing } = balanceOf(pool);
  const rule = new ShareRule(pool, shares);
  yield* homecoming.vacant(rule);
  if (!policy.balances) {
    yield* fillVacancies(pool.topics, new OpenTurns(pool.members), planning);
    return;
  }
  yield* homecoming.all(rule);
  const surplus = surplusOf(shares, vacantIn(pool));
  if (slices.full(pool.members.length)) yield;
  if (surplus.size === 0 || !(yield* canStayUneven(pool, shares, planning))) {
    yield* takeSurplus(pool, surplus, slices);
    yield* fillVacancies(pool.topics, new QuotaTurns(sharing), planning);
  }
  // Those that were given something may have something to give back now.
  yield* homecoming.all(rule);
}

/**
 * With a threshold: fills what is vacant, and undoes that unless everybody is near enough to its share afterwards.
 */
function* canStayUneven(pool: Pool, shares: Shares, planning: Planning): Generator<void, boolean> {
  const { slices } = planning;
  const { thresholdPercent } = planning.policy;
  if (thresholdPercent <= 0) return false;
  const vacant: Slot[] = [];
  for (const slot of slotsOf(pool)) {
    if (slot.member === null) vacant.push(slot);
    if (slices.full()) yield;
  }
  yield* fillVacancies(pool.topics, new OpenTurns(pool.members), planning);
  const isNear = [...shares].every(
    ([{ load }, { exact }]) => Math.abs(load - exact) <= Math.max(1, (exact * thresholdPercent) / 100),
  );
  if (isNear) return true;
  for (const slot of vacant) {
    vacate(slot);
    if (slices.full()) yield;
  }
  return false;
}

/**
 * Who has more from operators than its share keeps just that, and the others share the rest. Their shares are smaller
 * then, so that further ones may have too much.
 */
function balanceOf(pool: Pool): Balance {
  let sharing = pool.members;
  let partitions = totalLoad(pool.members) + vacantIn(pool);
  for (;;) {
    const shares = sharesOf(sharing, partitions);
    const fitting = sharing.filter((member) => member.pinned <= (shares.get(member)?.least ?? 0));
    if (fitting.length === sharing.length) {
      const aside = pool.members.filter((member) => !shares.has(member));
      for (const member of aside) shares.set(member, exactly(member.pinned));
      return { shares, sharing };
    }
    for (const member of sharing) {
      if (member.pinned > (shares.get(member)?.least ?? 0)) partitions -= member.pinned;
    }
    sharing = fitting;
  }
}

function exactly(count: number): Share {
  return { exact: count, least: count, most: count };
}

function vacantIn(pool: Pool): number {
  return pool.topics.reduce((sum, topic) => sum + topic.vacant, 0);
}

/** In whole numbers throughout, so exact while partitions · thousandths of weight stay below 2^53. */
function sharesOf(members: readonly Member[], partitions: number): Map<Member, Share> {
  const weights = totalWeight(members);
  return new Map(
    members.map((member) => {
      const product = partitions * member.weight;
      const remainder = product % weights;
      const least = (product - remainder) / weights;
      return [member, { exact: product / weights, least, most: remainder === 0 ? least : least + 1 }];
    }),
  );
}

/**
 * A partition goes home while its agent has more than its rounded-down share and home has less than its rounded-up one, and while
 * those that are below their shares get there without further moves.
 */
class ShareRule implements HomeRule {
  readonly #pool: Pool;
  readonly #shares: Shares;
  /** By how much what is vacant or above a share exceeds what is missing to others. */
  #spare = 0;

  constructor(pool: Pool, shares: Shares) {
    this.#pool = pool;
    this.#shares = shares;
  }

  begin(): void {
    this.#spare = vacantIn(this.#pool);
    for (const [{ load }, { least, most }] of this.#shares) {
      this.#spare += Math.max(0, load - most) - Math.max(0, least - load);
    }
  }

  allows(donor: Member | null, home: Member): boolean {
    const share = this.#shares.get(home);
    if (share === undefined || home.load >= share.most) return false;
    const given = donor && this.#shares.get(donor);
    if (given === undefined || (donor && given && donor.load <= given.least)) return false;
    const isSpare = donor === null || given === null || donor.load > given.most;
    const isMissing = home.load < share.least;
    if (isSpare && !isMissing && this.#spare <= 0) return false;
    this.#spare += Number(isMissing) - Number(isSpare);
    return true;
  }
}

/** How many each member must give up: the fewest that let everybody reach its share. */
function surplusOf(shares: Shares, vacancies: number): Map<Member, number> {
  const surplus = new Map<Member, number>();
  const donors: Member[] = [];
  let vacant = vacancies;
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
class QuotaTurns extends Turns {
  /** Not yet eligible, the one that will be so first on top. */
  readonly #waiting: Heap<Member>;
  readonly #weights: number;
  #filled: number;

  constructor(members: readonly Member[]) {
    super(members);
    this.#waiting = new Heap(byEligibility, members);
    this.#weights = totalWeight(members);
    this.#filled = totalLoad(members);
  }

  override prepare(): void {
    for (;;) {
      const next = this.#waiting.top;
      if (next === undefined || !this.#isEligible(next)) return;
      this.#waiting.remove(next);
      this.standOf(next.zone)?.candidates.add(next);
    }
  }

  override took(member: Member): void {
    super.took(member);
    this.#filled += 1;
    if (this.#isEligible(member)) {
      this.rerank(member);
    } else {
      this.standOf(member.zone)?.candidates.remove(member);
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
