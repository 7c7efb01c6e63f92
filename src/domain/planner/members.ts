/**
 * The agents as the planner works with them, without those that take nothing: in the order of their ids, each
 * with what it has been given so far.
 */
import type { HeapItem } from './heap.ts';
import type { PlannerAgent } from './input.ts';
import { compareText } from './sort.ts';
import type { Zone } from './zones.ts';

/** Agents that list the same topics. Willingness is worked out once for all of them. */
export interface Profile {
  /** Sorted; empty means every topic. */
  readonly patterns: readonly string[];
  /** Those that take new partitions; none where all who list these topics are cordoned or unsettled. */
  readonly members: Member[];
  /** Those that would, had they not crashed again and again: they take what nobody else would. */
  readonly unsettled: Member[];
}

export interface Member extends HeapItem {
  readonly agentId: string;
  /** Place among all agents by id: the last tie-break, and cheaper to compare than the id. */
  readonly order: number;
  /** In thousandths, a whole number: shares of it are exact, and no sum depends on the order of its terms. */
  readonly weight: number;
  readonly profile: Profile;
  readonly zone: Zone;
  /** Whether it takes part in balance, giving and taking; else it keeps what it has. */
  readonly isOpen: boolean;
  /** Number of partitions it has in the plan so far. */
  load: number;
  /** How many of those balance must leave to it. */
  pinned: number;
  /** How many of its partitions are of the topic being filled (see topic-loads.ts). */
  loadOfTopic: number;
}

const weightMin = 0.001;
const weightMax = 1_000_000;

/**
 * Those that keep partitions or take new ones, sorted by agent id. Throws RangeError for a weight out of range and for an
 * agent listed twice.
 */
export function readMembers(
  agents: readonly PlannerAgent[],
  zones: ReadonlyMap<string, Zone>,
): readonly Member[] {
  const profiles = new Map<string, Profile>();
  const members: Member[] = [];
  let previous: string | undefined;
  // Not in slices: the number of agents is a thousand, not a hundred thousand.
  for (const agent of agents.toSorted((a, b) => compareText(a.agentId, b.agentId))) {
    if (previous === agent.agentId) throw new RangeError(`agent ${agent.agentId} is listed twice`);
    previous = agent.agentId;
    const weight = readWeight(agent);
    const zone = zones.get(agent.agentId);
    if (agent.takes === 'nothing' || zone === undefined) continue;
    const profile = profileOf(agent, profiles);
    const member = {
      agentId: agent.agentId,
      order: members.length,
      weight,
      profile,
      zone,
      isOpen: agent.takes === 'new' && agent.isUnsettled !== true,
      load: 0,
      pinned: 0,
      loadOfTopic: 0,
      heapIndex: -1,
    };
    if (member.isOpen) profile.members.push(member);
    else if (agent.takes === 'new') profile.unsettled.push(member);
    members.push(member);
  }
  return members;
}

function profileOf(agent: PlannerAgent, profiles: Map<string, Profile>): Profile {
  const patterns = [...new Set(agent.managedTopics)].sort(compareText);
  const key = JSON.stringify(patterns);
  const known = profiles.get(key);
  if (known !== undefined) return known;
  const profile: Profile = { patterns, members: [], unsettled: [] };
  profiles.set(key, profile);
  return profile;
}

function readWeight(agent: PlannerAgent): number {
  // Written so that NaN is refused as well.
  if (!(agent.weight >= weightMin && agent.weight <= weightMax)) {
    throw new RangeError(
      `weight of agent ${agent.agentId} must be ${weightMin} to ${weightMax}: ${agent.weight}`,
    );
  }
  return Math.round(agent.weight * 1_000);
}
