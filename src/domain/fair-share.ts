// What is an agent's by weight, as far as people want to know it: the planner's own shares are whole numbers (planner/quota.ts).
import { listsTopic } from './topic-pattern.ts';

export interface ShareHolder {
  readonly agentId: string;
  readonly weight: number;
  readonly managedTopics: readonly string[];
  /** Whether it takes new partitions. */
  readonly isOpen: boolean;
}

export interface SharedPartition {
  readonly topic: string;
  /** Who has it. */
  readonly agentId: string | null;
}

/**
 * Of each topic, every open agent that lists it has a share by weight; an agent's share is the sum. What agents have that are not
 * open, and keep it, is not shared. Agents that are not open have no share.
 */
export function fairShares(
  agents: readonly ShareHolder[],
  partitions: readonly SharedPartition[],
): ReadonlyMap<string, number> {
  const keeping = new Set(agents.filter(({ isOpen }) => !isOpen).map(({ agentId }) => agentId));
  const perTopic = new Map<string, number>();
  for (const { topic, agentId } of partitions) {
    if (agentId === null || !keeping.has(agentId)) perTopic.set(topic, (perTopic.get(topic) ?? 0) + 1);
  }
  const open = agents.filter(({ isOpen }) => isOpen);
  const lists = new Map<string, WillingList>();
  for (const { managedTopics, weight } of open) {
    const list = lists.get(listKey(managedTopics)) ?? { managedTopics, weight: 0, perWeight: 0 };
    list.weight += weight;
    lists.set(listKey(managedTopics), list);
  }
  for (const [topic, count] of perTopic) {
    const willing = [...lists.values()].filter(({ managedTopics }) => listsTopic(managedTopics, topic));
    const weight = willing.reduce((sum, list) => sum + list.weight, 0);
    for (const list of willing) list.perWeight += count / weight;
  }
  const share = ({ managedTopics, weight }: ShareHolder): number =>
    weight * (lists.get(listKey(managedTopics))?.perWeight ?? 0);
  return new Map(open.map((agent) => [agent.agentId, share(agent)]));
}

/** Agents that list the same topics, taken as one: there are far fewer lists than agents. */
interface WillingList {
  readonly managedTopics: readonly string[];
  /** Of all of them together. */
  weight: number;
  /** What one of weight 1 has. */
  perWeight: number;
}

/** The same for agents with the same list. Names hold no space. */
export function listKey(managedTopics: readonly string[]): string {
  return managedTopics.join(' ');
}
