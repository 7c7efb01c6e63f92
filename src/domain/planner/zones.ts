/** The agents' failure domains. There are few of them, so the planner may look at each for every partition that it places. */
import type { DepartedAgent, PlannerAgent } from './input.ts';
import { compareText } from './sort.ts';

export interface Zone {
  /** Place among all zones by name. */
  readonly order: number;
  /** How many partitions of the topic being filled are led from it (see topic-loads.ts). */
  loadOfTopic: number;
}

/** Where each agent is or was, by agent id; what a present agent says of itself goes before what is known of it as a departed one. */
export function readZones(
  agents: readonly PlannerAgent[],
  departed: readonly DepartedAgent[],
): ReadonlyMap<string, Zone> {
  const names = [...new Set([...departed, ...agents].map(({ zone }) => zone))].sort(compareText);
  const zones = new Map(names.map((name, order) => [name, { order, loadOfTopic: 0 }]));
  const byAgent = new Map<string, Zone>();
  for (const { agentId, zone } of [...departed, ...agents]) {
    const found = zones.get(zone);
    if (found !== undefined) byAgent.set(agentId, found);
  }
  return byAgent;
}
