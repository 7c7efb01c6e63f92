// Agents in answers: this one as it sees itself, and the group's as the store sees them.
import type { AgentStatus, Held } from '../../coordination/agent-view.ts';
import type { Agent } from '../../store/sessions.ts';
import type { AgentAnswer, HeldAnswer, SelfAnswer } from '../schemas/answers/agents.ts';
import { timeOrNull } from './times.ts';

export function presentSelf(status: AgentStatus): SelfAnswer {
  const { agentId, sessionId, group, zone, state, detail, isCoordinator, trustedForMs, leases } = status;
  return {
    agentId,
    sessionId,
    group,
    zone,
    state,
    detail,
    coordinator: isCoordinator,
    trustedForMs: wholeTrust(trustedForMs),
    leases,
  };
}

/** What this agent holds and trusts. A caller counts `trustedForMs` from when it sent its request. */
export function presentHeld({ trustedForMs, terms }: Held): HeldAnswer {
  return {
    trustedForMs: wholeTrust(trustedForMs),
    leases: terms.map(({ key, epoch }) => ({ topic: key.topic, partition: key.partition, epoch })),
  };
}

/** Rounded down: trust that is told must never outlast the trust there is. */
function wholeTrust(ms: number): number {
  return Math.max(0, Math.floor(ms));
}

/** The store answers for one agent group and does not repeat its name. */
export function presentAgent(agent: Agent, group: string): AgentAnswer {
  return {
    agentId: agent.agentId,
    address: agent.address,
    zone: agent.zone,
    group,
    state: agent.state,
    weight: agent.weight,
    managedTopics: [...agent.managedTopics],
    sessionId: agent.sessionId,
    lastHeartbeatAt: timeOrNull(agent.lastHeartbeatAt),
    expiresInMs: agent.expiresInMs,
    leases: agent.leases,
    metadata: agent.metadata,
  };
}
