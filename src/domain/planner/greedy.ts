/**
 * Balance in pools that share members: best effort. Every member may be willing to lead another choice of topics,
 * so that there is no share to hold anyone to.
 *
 * What holds at the end: no single move of what is not pinned helps. If a member of load l and weight w has such a partition that another,
 * of load m and weight v, is willing to lead, then l / w <= (m + 1) / v. Two members of equal weight and equal
 * willingness are thus within one of each other. What does not: a chain of moves over several members might
 * still help, and the highest load per weight may exceed the best possible one by a factor that grows, slowly,
 * with the number of members. Between unequal weights a heavy member may be more than one above its exact
 * share. A join or a leave may set off further moves.
 *
 * It ends because each move lowers the sum over members of (1 + 2 + … + load) / weight; a return home may leave it
 * as it is, but then there is one less away.
 *
 * With a threshold nothing moves while no single move would help by more than it.
 */
import { Heap, type HeapItem } from './heap.ts';
import { Homecoming, type HomeRule } from './homes.ts';
import type { Member } from './members.ts';
import type { Planning } from './planning.ts';
import { compareText } from './sort.ts';
import { takeSurplus } from './surplus.ts';
import { loadWithOneMore, OpenTurns } from './turns.ts';
import { fillVacancies } from './vacancies.ts';
import { slotsOf, type Pool } from './willingness.ts';

export function* balanceGreedily(group: readonly Pool[], planning: Planning): Generator<void, void> {
  // Those with the least choice first, or their candidates are taken by partitions that had others.
  const pools = group.toSorted(byChoice);
  const homecoming = new Homecoming(pools, planning);
  yield* homecoming.vacant(new RoomRule(pools));
  for (const pool of pools) yield* fillPool(pool, planning);

  if (!planning.policy.balances) return;
  // What went home leaves room behind, for which a move may help by more than the threshold now.
  do {
    if (!(yield* canStayUneven(pools, planning))) yield* settle(pools, planning);
  } while (yield* homecoming.all(new GainRule()));
}

/** Moves in one pool can make room in another: until all of them have been found settled in a row. */
function* settle(pools: readonly Pool[], planning: Planning): Generator<void, void> {
  let settledInARow = 0;
  while (settledInARow < pools.length) {
    for (const pool of pools) {
      const surplus = yield* surplusOf(pool, planning);
      if (surplus.size > 0) {
        yield* takeSurplus(pool, surplus, planning.slices);
        yield* fillPool(pool, planning);
        settledInARow = 0;
      }
      settledInARow += 1;
    }
  }
}

/** Whether no move would help by more than the threshold. */
function* canStayUneven(pools: readonly Pool[], planning: Planning): Generator<void, boolean> {
  const { thresholdPercent } = planning.policy;
  if (thresholdPercent <= 0) return false;
  for (const pool of pools) {
    const { givers, takers } = yield* tallies(pool, planning);
    if (givers.top === undefined || takers.top === undefined) continue;
    const helped = loadWithOneMore(takers.top) * (1 + thresholdPercent / 100);
    if (givers.top.load / givers.top.weight > helped) return false;
  }
  return true;
}

/** A vacant partition goes home unless that gives its agent more than all pools together let it expect. */
class RoomRule implements HomeRule {
  readonly #perWeight: number;

  constructor(pools: readonly Pool[]) {
    const members = [...new Set(pools.flatMap((pool) => pool.members))];
    const vacant = pools.flatMap((pool) => pool.topics).reduce((sum, topic) => sum + topic.vacant, 0);
    const weights = members.reduce((sum, { weight }) => sum + weight, 0);
    this.#perWeight = (members.reduce((sum, { load }) => sum + load, 0) + vacant) / weights;
  }

  begin(): void {}

  allows(_donor: Member | null, home: Member): boolean {
    return home.load < home.weight * this.#perWeight;
  }
}

/** What is led elsewhere goes home unless its agent is then more loaded for its weight than the other one is now. */
class GainRule implements HomeRule {
  begin(): void {}

  allows(donor: Member | null, home: Member): boolean {
    return donor?.isOpen === true && loadWithOneMore(home) <= donor.load / donor.weight;
  }
}

function byChoice(a: Pool, b: Pool): number {
  return a.members.length - b.members.length || compareText(a.topics[0]?.name ?? '', b.topics[0]?.name ?? '');
}

function* fillPool(pool: Pool, planning: Planning): Generator<void, void> {
  if (planning.slices.full(pool.topics.length)) yield;
  if (pool.topics.every((topic) => topic.vacant === 0)) return;
  if (planning.slices.full(pool.members.length)) yield;
  yield* fillVacancies(pool.topics, new OpenTurns(pool.members), planning);
}

/** A member's load while moves are tried out in numbers only. */
interface Tally extends HeapItem {
  readonly member: Member;
  readonly weight: number;
  load: number;
}

interface Tallies {
  /** How many of the pool's partitions each of its members could give up. */
  readonly inPool: ReadonlyMap<Member, number>;
  readonly givers: Heap<Tally>;
  readonly takers: Heap<Tally>;
}

function* tallies(pool: Pool, { slices }: Planning): Generator<void, Tallies> {
  const inPool = new Map<Member, number>();
  for (const slot of slotsOf(pool)) {
    const { member } = slot;
    if (member?.isOpen === true && !slot.isPinned) inPool.set(member, (inPool.get(member) ?? 0) + 1);
    if (slices.full()) yield;
  }
  if (slices.full(pool.members.length)) yield;
  // Each with tallies of its own: whoever gives is above all who take, so that nobody does both.
  const givers = new Heap(mostLoaded, [...inPool.keys()].map(newTally));
  const takers = new Heap(leastLoaded, pool.members.map(newTally));
  return { inPool, givers, takers };
}

/**
 * How many of the pool's partitions each member gives up when everyone passes one on for as long as that helps.
 */
function* surplusOf(pool: Pool, planning: Planning): Generator<void, Map<Member, number>> {
  const { inPool, givers, takers } = yield* tallies(pool, planning);
  const surplus = new Map<Member, number>();
  for (let giver = givers.top, taker = takers.top; giver && taker; giver = givers.top, taker = takers.top) {
    if (giver.load / giver.weight <= loadWithOneMore(taker)) break;
    const given = (surplus.get(giver.member) ?? 0) + 1;
    surplus.set(giver.member, given);
    giver.load -= 1;
    if (given === inPool.get(giver.member)) givers.remove(giver);
    else givers.rerank(giver);
    taker.load += 1;
    takers.rerank(taker);
    if (planning.slices.full()) yield;
  }
  return surplus;
}

function newTally(member: Member): Tally {
  return { member, weight: member.weight, load: member.load, heapIndex: -1 };
}

function mostLoaded(a: Tally, b: Tally): number {
  return b.load / b.weight - a.load / a.weight || a.member.order - b.member.order;
}

function leastLoaded(a: Tally, b: Tally): number {
  return loadWithOneMore(a) - loadWithOneMore(b) || a.member.order - b.member.order;
}
