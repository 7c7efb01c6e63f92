/**
 * Balance in pools that share members, or whose pinned partitions are more than exact shares allow: best
 * effort. Every member may be willing to lead another choice of topics, so that there is no share to hold
 * anyone to.
 *
 * What holds at the end: no single move of what is not pinned helps. If a member of load l and weight w has such a partition that another,
 * of load m and weight v, is willing to lead, then l / w <= (m + 1) / v. Two members of equal weight and equal
 * willingness are thus within one of each other. What does not: a chain of moves over several members might
 * still help, and the highest load per weight may exceed the best possible one by a factor that grows, slowly,
 * with the number of members. Between unequal weights a heavy member may be more than one above its exact
 * share. A join or a leave may set off further moves.
 *
 * It ends because each move lowers the sum over members of (1 + 2 + … + load) / weight.
 */
import { Heap, type HeapItem } from './heap.ts';
import type { Member } from './members.ts';
import type { Slices } from './slices.ts';
import { compareText } from './sort.ts';
import { isPinned } from './slots.ts';
import { takeSurplus } from './surplus.ts';
import { fillVacancies, loadWithOneMore, OpenTurns } from './vacancies.ts';
import { slotsOf, type Pool } from './willingness.ts';

export function* balanceGreedily(group: readonly Pool[], slices: Slices): Generator<void, void> {
  // Those with the least choice first, or their candidates are taken by partitions that had others.
  const pools = group.toSorted(byChoice);
  for (const pool of pools) yield* fillPool(pool, slices);

  // Moves in one pool can make room in another: until all of them have been found settled in a row.
  let settledInARow = 0;
  while (settledInARow < pools.length) {
    for (const pool of pools) {
      const surplus = yield* surplusOf(pool, slices);
      if (surplus.size > 0) {
        yield* takeSurplus(pool, surplus, slices);
        yield* fillPool(pool, slices);
        settledInARow = 0;
      }
      settledInARow += 1;
    }
  }
}

function byChoice(a: Pool, b: Pool): number {
  return a.members.length - b.members.length || compareText(a.topics[0]?.name ?? '', b.topics[0]?.name ?? '');
}

function* fillPool(pool: Pool, slices: Slices): Generator<void, void> {
  if (slices.full(pool.topics.length)) yield;
  if (pool.topics.every((topic) => topic.vacant === 0)) return;
  if (slices.full(pool.members.length)) yield;
  yield* fillVacancies(pool.topics, new OpenTurns(pool.members), slices);
}

/** A member's load while moves are tried out in numbers only. */
interface Tally extends HeapItem {
  readonly member: Member;
  readonly weight: number;
  load: number;
}

/**
 * How many of the pool's partitions each member gives up when everyone passes one on for as long as that helps.
 */
function* surplusOf(pool: Pool, slices: Slices): Generator<void, Map<Member, number>> {
  const inPool = new Map<Member, number>();
  for (const slot of slotsOf(pool)) {
    const { member } = slot;
    if (member?.isOpen === true && !isPinned(slot)) inPool.set(member, (inPool.get(member) ?? 0) + 1);
    if (slices.full()) yield;
  }
  if (slices.full(pool.members.length)) yield;
  // Each with tallies of its own: whoever gives is above all who take, so that nobody does both.
  const givers = new Heap(mostLoaded, [...inPool.keys()].map(newTally));
  const takers = new Heap(leastLoaded, pool.members.map(newTally));

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
    if (slices.full()) yield;
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
