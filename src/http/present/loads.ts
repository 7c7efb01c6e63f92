// How much each living agent has, should have and will have.
import { settlesInMs } from '../../domain/flapping.ts';
import { fairShares } from '../../domain/fair-share.ts';
import type { AgentState } from '../../domain/agent-state.ts';
import type { Plan } from '../../domain/planner.ts';
import type { LiveAgent, PlanningInput } from '../../store/assignments.ts';
import type { AgentLoadAnswer } from '../schemas/answers/rebalance.ts';

export function presentLoads(
  input: PlanningInput,
  { moves }: Pick<Plan, 'moves'>,
  returnDelayMs: number,
): AgentLoadAnswer[] {
  const assigned = new Map<string, number>();
  for (const { assignedTo } of input.partitions) count(assigned, assignedTo, 1);
  const planned = new Map(assigned);
  for (const { from, to } of moves) {
    count(planned, from, -1);
    count(planned, to, 1);
  }
  const shares = fairShares(
    input.agents.map((agent) => ({ ...agent, isOpen: agent.takes === 'new' })),
    input.partitions.map(({ topic, assignedTo }) => ({ topic, agentId: assignedTo })),
  );
  return input.agents.map((agent) => ({
    agentId: agent.agentId,
    zone: agent.zone,
    weight: agent.weight,
    state: stateOf(agent),
    share: shares.get(agent.agentId) ?? null,
    assigned: assigned.get(agent.agentId) ?? 0,
    planned: planned.get(agent.agentId) ?? 0,
    settlesInMs: Math.ceil(settlesInMs(agent, returnDelayMs)),
  }));
}

/** Of an agent with a live session. */
export function stateOf({ takes, leaving }: LiveAgent): AgentState {
  if (takes === 'new') return 'active';
  if (takes === 'own') return 'cordoned';
  return leaving === 'broker_down' ? 'broker_down' : 'draining';
}

function count(counts: Map<string, number>, agentId: string | null, by: number): void {
  if (agentId !== null) counts.set(agentId, (counts.get(agentId) ?? 0) + by);
}
