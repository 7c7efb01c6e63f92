/**
 * Who is willing to lead which topic. Topics that the same open agents are willing to lead form a pool; pools that
 * share an agent form a group. Groups do not touch each other, so each is balanced for itself, and one that is
 * a single pool can be balanced exactly.
 */
import { literalPrefix, matchesTopicPattern } from '../topic-pattern.ts';
import type { Member, Profile } from './members.ts';
import type { Slices } from './slices.ts';
import type { Slot, TopicSlots } from './slots.ts';

export interface Pool {
  /** The willing ones, by id; never empty. */
  readonly members: readonly Member[];
  /** False where all of them are unsettled: they take what is vacant, and balance moves nothing among them. */
  readonly isSettled: boolean;
  readonly profiles: ReadonlySet<Profile>;
  /** By name. */
  readonly topics: TopicSlots[];
}

/** Topics that nobody would take are in no group: their vacant partitions stay so. Notes in each topic who lists it. */
export function* groupByWillingness(
  members: readonly Member[],
  topics: readonly TopicSlots[],
  slices: Slices,
): Generator<void, readonly (readonly Pool[])[]> {
  const profiles = [...new Set(members.map((member) => member.profile))];
  const willing = new WillingProfiles(profiles);
  /** By the profiles that list a topic; two of them with the same open members share a pool. */
  const known = new Map<
    string,
    { readonly willing: ReadonlySet<Profile>; readonly pool: Pool | undefined }
  >();
  const pools = new Map<string, Pool>();
  for (const topic of topics) {
    const { matching, tried } = willing.for(topic.name);
    if (slices.full(1 + tried + matching.length)) yield;
    const key = matching.join(',');
    let found = known.get(key);
    if (found === undefined) {
      const listing = matching.flatMap((index) => profiles[index] ?? []);
      found = { willing: new Set(listing), pool: poolOf(matching, profiles, pools) };
      known.set(key, found);
      if (slices.full(listing.length + (found.pool?.members.length ?? 0))) yield;
    }
    topic.willing = found.willing;
    found.pool?.topics.push(topic);
  }
  return groupByMembers([...pools.values()]);
}

function poolOf(
  listing: readonly number[],
  profiles: readonly Profile[],
  pools: Map<string, Pool>,
): Pool | undefined {
  const settled = listing.filter((index) => (profiles[index]?.members.length ?? 0) > 0);
  const isSettled = settled.length > 0;
  const taking = isSettled
    ? settled
    : listing.filter((index) => (profiles[index]?.unsettled.length ?? 0) > 0);
  if (taking.length === 0) return undefined;
  // No list of profiles leads to both kinds: those of unsettled members alone have no settled one.
  const key = taking.join(',');
  let pool = pools.get(key);
  if (pool === undefined) {
    const taken = taking.flatMap((index) => profiles[index] ?? []);
    pool = newPool(taken, isSettled);
    pools.set(key, pool);
  }
  return pool;
}

export function* slotsOf(pool: Pool): Generator<Slot, void> {
  for (const topic of pool.topics) yield* topic.slots;
}

function newPool(profiles: readonly Profile[], isSettled: boolean): Pool {
  const members = profiles
    .flatMap((profile) => (isSettled ? profile.members : profile.unsettled))
    .sort((a, b) => a.order - b.order);
  return { members, isSettled, profiles: new Set(profiles), topics: [] };
}

/**
 * Finds the profiles that list a topic without trying every pattern: only those whose literal beginning it has.
 */
class WillingProfiles {
  /** Indexes of the profiles that take every topic. */
  readonly #open: number[] = [];
  /** Pattern and the indexes of the profiles that list it, by the pattern's literal beginning. */
  readonly #byPrefix = new Map<string, Map<string, number[]>>();
  readonly #prefixLengths: readonly number[];

  constructor(profiles: readonly Profile[]) {
    for (const [index, { patterns }] of profiles.entries()) {
      if (patterns.length === 0) this.#open.push(index);
      for (const pattern of patterns) this.#add(pattern, index);
    }
    this.#prefixLengths = [...new Set([...this.#byPrefix.keys()].map((prefix) => prefix.length))];
  }

  /** Sorted indexes of the profiles, and how many patterns were tried to find them. */
  for(topic: string): { readonly matching: readonly number[]; readonly tried: number } {
    if (this.#prefixLengths.length === 0) return { matching: this.#open, tried: 0 };
    const found = new Set(this.#open);
    let tried = 0;
    for (const length of this.#prefixLengths) {
      const patterns = this.#byPrefix.get(topic.slice(0, length));
      for (const [pattern, indexes] of patterns ?? []) {
        tried += 1;
        if (matchesTopicPattern(pattern, topic)) for (const index of indexes) found.add(index);
      }
    }
    return { matching: [...found].sort((a, b) => a - b), tried };
  }

  #add(pattern: string, index: number): void {
    const prefix = literalPrefix(pattern);
    const patterns = this.#byPrefix.get(prefix) ?? new Map<string, number[]>();
    const indexes = patterns.get(pattern) ?? [];
    indexes.push(index);
    patterns.set(pattern, indexes);
    this.#byPrefix.set(prefix, patterns);
  }
}

/** Pools that share an agent, directly or through other pools, end in one group. */
function groupByMembers(pools: readonly Pool[]): readonly (readonly Pool[])[] {
  const poolsOf = new Map<Profile, Pool[]>();
  for (const pool of pools) {
    for (const profile of pool.profiles) {
      const sharing = poolsOf.get(profile) ?? [];
      sharing.push(pool);
      poolsOf.set(profile, sharing);
    }
  }

  const groups: (readonly Pool[])[] = [];
  const seen = new Set<Pool>();
  for (const first of pools) {
    if (seen.has(first)) continue;
    seen.add(first);
    const group = [first];
    // An array grows while it is iterated: this visits everything reachable from the first pool.
    for (const pool of group) {
      for (const profile of pool.profiles) {
        for (const neighbour of poolsOf.get(profile) ?? []) {
          if (seen.has(neighbour)) continue;
          seen.add(neighbour);
          group.push(neighbour);
        }
        poolsOf.delete(profile);
      }
    }
    groups.push(group);
  }
  return groups;
}
