// Agents in answers: this one as it sees itself, and the group's as the store sees them.
import type { AgentStatus, Held, HeldTerm } from '../../coordination/agent-view.ts';
import type { Agent } from '../../store/sessions.ts';
import { timeOrNull } from './times.ts';

export function presentSelf(status: AgentStatus) {
  const { agentId, sessionId, group, zone, state, detail, isCoordinator, trustedForMs, leases } = status;
  return {
    agentId,
    sessionId,
    group,
    zone,
    state,
    detail,
    coordinator: isCoordinator,
    trustedForMs: wholeMs(trustedForMs),
    leases,
  };
}

/** What this agent holds and trusts. A caller counts `trustedForMs` from when it sent its request. */
export function presentHeld({ trustedForMs, terms }: Held, nowMs: number) {
  return {
    trustedForMs: wholeMs(trustedForMs),
    leases: terms.map((term) => presentHeldTerm(term, nowMs)),
  };
}

/** `deadlineMs`: what is left of the time in which the broker may end its work under the term. */
export function presentHeldTerm({ key, epoch, revoking }: HeldTerm, nowMs: number) {
  const lease = { topic: key.topic, partition: key.partition, epoch };
  if (revoking === undefined) return lease;
  return { ...lease, revoking: { deadlineMs: wholeMs(revoking.releasedAtMs - nowMs), to: revoking.to } };
}

/** Rounded down: trust or time that is told must never outlast what there is. */
export function wholeMs(ms: number): number {
  return Math.max(0, Math.floor(ms));
}

/** The store answers for one agent group and does not repeat its name. */
export function presentAgent(agent: Agent, group: string) {
  return {
    agentId: agent.agentId,
    address: agent.address,
    zone: agent.zone,
    group,
    state: agent.state,
    weight: agent.weight,
    managedTopics: agent.managedTopics,
    sessionId: agent.sessionId,
    lastHeartbeatAt: timeOrNull(agent.lastHeartbeatAt),
    expiresInMs: agent.expiresInMs,
    leases: agent.leases,
    metadata: agent.metadata,
  };
}
