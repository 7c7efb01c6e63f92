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
  const shares = new Map(open.map(({ agentId }) => [agentId, 0]));
  for (const [topic, count] of perTopic) {
    const willing = open.filter(({ managedTopics }) => listsTopic(managedTopics, topic));
    const weight = willing.reduce((sum, agent) => sum + agent.weight, 0);
    for (const agent of willing) {
      shares.set(agent.agentId, (shares.get(agent.agentId) ?? 0) + (count * agent.weight) / weight);
    }
  }
  return shares;
}
